// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tool;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The beginning of a call whose name stands before its arguments, behind the marker and up to the object of the
 * arguments.
 *
 * @param name   name of the tool
 * @param length characters up to the arguments
 */
record NamedCall(String name, int length) {
    static final String ID = "[CALL_ID]";
    static final String ARGUMENTS = "[ARGS]";

    /** Longer than the names of tools are. */
    private static final int LONGEST = 512;

    /** How it is written. */
    enum Form {
        /** {@code add[ARGS]}, {@code add[CALL_ID]abc[ARGS]}, and without any of both. */
        MISTRAL("(?<name>[^\\s\\[\\]{}<>]+)(?:\\[CALL_ID\\][^\\s\\[\\]{}<>]*)?(?:\\[ARGS\\])?"),
        /** {@code call:add}, with {@link GemmaArguments}. */
        GEMMA("call:(?<name>[^\\s\\[\\]{}<>]+)"),
        /** {@code functions.add <|constrain|>json<|message|>}; what the arguments are like need not be said. */
        HARMONY("(?:functions\\.)?(?<name>[^\\s\\[\\]{}<>]+)[\\w ]*(?:<\\|constrain\\|>[\\w ]*)?<\\|message\\|>");

        private final Pattern pattern;

        Form(String pattern) {
            this.pattern = Pattern.compile("\\s*" + pattern + "\\s*(?=\\{)");
        }
    }

    /** Returns the beginning of the call that a text begins with; empty if there is none, or not yet. */
    static Optional<NamedCall> of(CharSequence text, Form form) {
        Matcher matcher = form.pattern.matcher(text);
        return matcher.lookingAt() ? Optional.of(new NamedCall(matcher.group("name"), matcher.end()))
                : Optional.empty();
    }

    /** Whether a text in which no call begins yet may become one. */
    static boolean mayFollow(CharSequence text, Form form) {
        Matcher matcher = form.pattern.matcher(text);
        return !matcher.lookingAt() && matcher.hitEnd() && text.length() <= LONGEST;
    }
}
