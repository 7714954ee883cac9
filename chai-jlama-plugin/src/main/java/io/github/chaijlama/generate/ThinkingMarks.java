// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What stands around the thinking of a model that thinks before it answers.
 *
 * @param opening before it; some templates write it themselves, where the answer begins
 * @param closing after it
 */
record ThinkingMarks(String opening, String closing) {
    /** Qwen 3, SmolLM3, DeepSeek and others; Mistral's. */
    private static final List<ThinkingMarks> KNOWN = List.of(new ThinkingMarks("<think>", "</think>"),
            new ThinkingMarks("[THINK]", "[/THINK]"));

    /** Returns the marks of a model: those that its template knows, or that are tokens of their own. */
    static Optional<ThinkingMarks> of(TokenizerFiles files) {
        return KNOWN.stream().filter(marks -> files.templates().contain(marks.closing)
                || files.hasAddedToken(marks.opening) && files.hasAddedToken(marks.closing)).findFirst();
    }

    /**
     * Returns all that are known. Tokenizers have them as one token, which may be special; then it is text
     * nevertheless, because the thinking is found by it.
     */
    static List<String> all() {
        return KNOWN.stream().flatMap(marks -> Stream.of(marks.opening, marks.closing)).toList();
    }
}
