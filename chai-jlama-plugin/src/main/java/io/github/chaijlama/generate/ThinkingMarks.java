// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What stands around the thinking of a model that thinks before it answers, and around its answer.
 *
 * @param opening      before its thinking; some templates write it themselves, where the answer begins
 * @param closing      after it
 * @param beforeAnswer before its answer, empty for most models
 * @param afterAnswer  after it, empty for most models
 */
record ThinkingMarks(String opening, String closing, String beforeAnswer, String afterAnswer) {
    /** Before thinking and other channels of Gemma 4, one token; the channel's name follows as text. */
    private static final String CHANNEL = "<|channel>";
    /** Qwen 3, SmolLM3, DeepSeek and others; Mistral's; Gemma 4's; Granite 3.2's, which are plain text. */
    private static final List<ThinkingMarks> KNOWN = List.of(new ThinkingMarks("<think>", "</think>"),
            new ThinkingMarks("[THINK]", "[/THINK]"), new ThinkingMarks(CHANNEL + "thought\n", "<channel|>"),
            new ThinkingMarks("Here is my thought process:", "Here is my response:"));
    /** What the template of Granite 3.3 asks for around answers, where it asks for thinking. */
    private static final String BEFORE_ANSWER = "<response>";
    private static final String AFTER_ANSWER = "</response>";

    /** Marks of a model whose answers stand between none. */
    ThinkingMarks(String opening, String closing) {
        this(opening, closing, "", "");
    }

    /** Returns the marks of a model: those that its template knows, or that are tokens of their own. */
    static Optional<ThinkingMarks> of(TokenizerFiles files) {
        return KNOWN.stream().filter(marks -> files.templates().contain(marks.closing)
                || files.hasAddedToken(marks.opening) && files.hasAddedToken(marks.closing)).findFirst()
                .map(marks -> files.templates().contain(AFTER_ANSWER)
                        ? new ThinkingMarks(marks.opening, marks.closing, BEFORE_ANSWER, AFTER_ANSWER)
                        : marks);
    }

    /**
     * Returns all that are known around thinking. Tokenizers have them as one token, which may be special; then it is
     * text nevertheless, because the thinking is found by it.
     */
    static List<String> all() {
        return Stream.concat(KNOWN.stream().flatMap(marks -> Stream.of(marks.opening, marks.closing)),
                Stream.of(CHANNEL)).toList();
    }
}
