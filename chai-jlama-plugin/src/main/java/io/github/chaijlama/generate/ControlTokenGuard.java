// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import io.github.chaijlama.template.JinjaTemplate;

/**
 * Marks places where the text of a message spells a control token, or part of one at its edge, with a guard character,
 * so that the rendered prompt contains only the template's own control tokens.
 */
final class ControlTokenGuard {
    /** The private use area of the basic plane: 6,400 characters without a meaning of their own. */
    private static final char FIRST_GUARD = '\uE000';
    private static final char LAST_GUARD = '\uF8FF';

    private final char guard;

    /**
     * Creates a guard.
     *
     * @param texts everything that goes into the prompt; the guard character occurs in none of it
     */
    ControlTokenGuard(List<String> texts) {
        char candidate = FIRST_GUARD;
        while (occurs(candidate, texts)) {
            if (candidate == LAST_GUARD) {
                throw new IllegalArgumentException("the conversation uses every character of the private use area");
            }
            candidate++;
        }
        this.guard = candidate;
    }

    private static boolean occurs(char character, List<String> texts) {
        return texts.stream().anyMatch(text -> text.indexOf(character) >= 0);
    }

    char character() {
        return guard;
    }

    /** Returns a text with guard characters in it wherever one of these control tokens could be read. */
    String apply(String text, List<String> controlTokens) {
        String stripped = JinjaTemplate.strip(text); // as templates may
        int start = text.indexOf(stripped);
        int end = start + stripped.length();
        // Some tokenizers have thousands of control tokens, of which few characters are the first.
        Map<Character, List<String>> byFirst = controlTokens.stream().filter(token -> token.length() > 1)
                .collect(Collectors.groupingBy(token -> token.charAt(0)));
        StringBuilder guarded = new StringBuilder(text.length() + 2);
        for (int i = 0; i <= text.length(); i++) {
            int at = i;
            boolean before = at == 0 && controlTokens.stream().anyMatch(token -> startsWithEndOf(text, token))
                    || at == start && controlTokens.stream().anyMatch(token -> startsWithEndOf(stripped, token));
            boolean after = at == text.length()
                    && controlTokens.stream().anyMatch(token -> endsWithStartOf(text, token))
                    || at == end && controlTokens.stream().anyMatch(token -> endsWithStartOf(stripped, token));
            boolean inside = at > 0 && byFirst.getOrDefault(text.charAt(at - 1), List.of()).stream()
                    .anyMatch(token -> text.startsWith(token, at - 1));
            if (before || after || inside) {
                guarded.append(guard);
            }
            if (at < text.length()) {
                guarded.append(text.charAt(at));
            }
        }
        return guarded.toString();
    }

    private static boolean startsWithEndOf(String text, String token) {
        for (int length = 1; length < token.length(); length++) {
            if (text.startsWith(token.substring(token.length() - length))) {
                return true;
            }
        }
        return false;
    }

    private static boolean endsWithStartOf(String text, String token) {
        for (int length = 1; length < token.length(); length++) {
            if (text.endsWith(token.substring(0, length))) {
                return true;
            }
        }
        return false;
    }
}
