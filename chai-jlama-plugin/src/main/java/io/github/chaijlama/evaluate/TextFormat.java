// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.Locale;

/** What a file of texts looks like. */
public enum TextFormat {
    /** {@link #JSON_LINES} if the name ends in .jsonl, .ndjson or .json, else {@link #PLAIN}. */
    AUTO,
    /** A JSON object on each line, {@code {"messages": [{"role": .., "text": ..}, ..]}} or {@code {"text": ..}}. */
    JSON_LINES,
    /** Paragraphs, each a text of its own; blank lines are between them. */
    PLAIN;

    /** Returns the format of a file of this name; only {@link #AUTO} looks at it. */
    TextFormat of(String source) {
        if (this != AUTO) {
            return this;
        }
        String name = source.toLowerCase(Locale.ROOT);
        return name.endsWith(".jsonl") || name.endsWith(".ndjson") || name.endsWith(".json") ? JSON_LINES : PLAIN;
    }
}
