// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The tokens around the messages of gpt-oss, whose format is called harmony: {@code <|start|>} role
 * {@code <|channel|>} channel {@code <|message|>} text {@code <|end|>}. What is thought goes to the channel
 * {@code analysis}, calls to {@code commentary} with a recipient, answers to {@code final}. The last message of an
 * answer ends with {@code <|call|>} or {@code <|return|>}, which end the answer.
 */
record HarmonyTokens(int start, int channel, int message, int end, OptionalInt constrain) {
    /** What the model writes before it thinks, after the role. */
    static final String THINKING = "<|channel|>analysis<|message|>";
    /** What it writes before it answers. */
    static final String FINAL = "<|channel|>final<|message|>";
    /** What it writes between two messages, where the next one's channel is still open. */
    static final String NEXT = "<|end|><|start|>assistant";

    /** What ends an answer, whatever the configuration says: a call, or the last message. */
    static final List<String> ENDS = List.of("<|call|>", "<|return|>");

    private static final String START = "<|start|>";
    private static final String CHANNEL = "<|channel|>";
    private static final String MESSAGE = "<|message|>";
    private static final String END = "<|end|>";
    private static final String CONSTRAIN = "<|constrain|>";

    /** Returns those of a tokenizer, empty if the model writes no such messages. */
    static Optional<HarmonyTokens> of(TokenizerFiles files) {
        if (!files.templates().contain(CHANNEL)
                || !List.of(START, CHANNEL, MESSAGE, END).stream().allMatch(files::hasAddedToken)) {
            return Optional.empty();
        }
        return Optional.of(new HarmonyTokens(id(START, files), id(CHANNEL, files), id(MESSAGE, files), id(END, files),
                files.hasAddedToken(CONSTRAIN) ? OptionalInt.of(id(CONSTRAIN, files)) : OptionalInt.empty()));
    }

    private static int id(String content, TokenizerFiles files) {
        return files.tokenId(content).orElseThrow();
    }

    /** Returns the tokens by how they are written. */
    Map<String, Integer> byText() {
        Map<String, Integer> tokens = new LinkedHashMap<>(
                Map.of(START, start, CHANNEL, channel, MESSAGE, message, END, end));
        constrain.ifPresent(token -> tokens.put(CONSTRAIN, token));
        return tokens;
    }

    /** Returns how a token is written, empty if it is another one. */
    Optional<String> text(int token) {
        return byText().entrySet().stream().filter(entry -> entry.getValue() == token).map(Map.Entry::getKey)
                .findFirst();
    }
}
