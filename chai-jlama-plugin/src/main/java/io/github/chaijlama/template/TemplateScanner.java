// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.Set;

import com.hubspot.jinjava.el.ext.ExtendedScanner;
import jinjava.de.odysseus.el.tree.impl.Scanner;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.PythonValues.TemplateFault;

/** Reads names, strings and signs as Python's Jinja does. */
final class TemplateScanner extends ExtendedScanner {
    /** Names that are free in Jinja. */
    private static final Set<String> NO_KEYWORDS = Set.of("eq", "ne", "lt", "le", "gt", "ge", "div", "mod", "empty",
            "instanceof", "null");

    TemplateScanner(String input) {
        super(input);
    }

    @Override
    protected @Nullable Token keyword(String name) {
        return NO_KEYWORDS.contains(name) ? null : super.keyword(name);
    }

    @Override
    protected Token nextEval() throws Scanner.ScanException {
        // Jinjava takes a plus before a digit for a sign, and does not find the sum.
        return getInput().charAt(getPosition()) == '+' ? fixed(Symbol.PLUS) : super.nextEval();
    }

    @Override
    protected Token nextString() throws Scanner.ScanException {
        String input = getInput();
        char quote = input.charAt(getPosition());
        StringBuilder text = new StringBuilder();
        for (int i = getPosition() + 1; i < input.length();) {
            char character = input.charAt(i);
            if (character == quote) {
                return token(Symbol.STRING, text.toString(), i + 1 - getPosition());
            }
            i += character == '\\' && i + 1 < input.length() ? escaped(input, i + 1, text) + 1 : 1;
            if (character != '\\') {
                text.append(character);
            }
        }
        throw new Scanner.ScanException(getPosition(), "unterminated string", String.valueOf(quote));
    }

    /** Appends what an escape sequence means and returns how long it is. */
    private static int escaped(String input, int at, StringBuilder text) {
        char kind = input.charAt(at);
        int digits = switch (kind) {
            case 'x' -> 2;
            case 'u' -> 4;
            case 'U' -> 8;
            default -> 0;
        };
        if (digits > 0) {
            if (at + 1 + digits > input.length()) {
                throw new TemplateFault("\\" + kind + " is not complete");
            }
            text.appendCodePoint(Integer.parseInt(input.substring(at + 1, at + 1 + digits), 16));
            return 1 + digits;
        }
        switch (kind) {
            case 'n' -> text.append('\n');
            case 't' -> text.append('\t');
            case 'r' -> text.append('\r');
            case 'b' -> text.append('\b');
            case 'f' -> text.append('\f');
            case '\\', '\'', '"' -> text.append(kind);
            default -> text.append('\\').append(kind);
        }
        return 1;
    }
}
