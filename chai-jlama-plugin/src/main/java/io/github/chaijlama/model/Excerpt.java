// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/** Shortens what a file holds so that it fits into a message of one line. */
public final class Excerpt {
    private static final int MAX_LENGTH = 100;

    private Excerpt() {}

    /** Returns the beginning of a text, without characters that would break the line. */
    public static String of(@Nullable Object value) {
        String text = value instanceof JsonNode node && node.isMissingNode() ? "nothing" : String.valueOf(value);
        String start = text.length() <= MAX_LENGTH ? text
                : text.substring(0, MAX_LENGTH) + "... (" + text.length() + " characters)";
        return start.replaceAll("\\p{Cntrl}", "?");
    }
}
