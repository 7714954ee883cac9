// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.constrain.JsonConstraint;
import io.github.chaijlama.constrain.TokenConstraint;

/**
 * Chooses the tokens of an answer that is held to a schema, while the model may think before it: anything may come as
 * long as it thinks, but not so much that the shortest value of the schema would not fit after it; then the model stops
 * thinking where it is. One instance per answer, not thread-safe.
 */
final class AnswerGuide {
    private final JsonConstraint schema;
    private final Sampler sampler;
    private final TextTokenizer tokenizer;
    private final Optional<Marks> marks;
    private int left;
    private State state;
    private @Nullable TokenConstraint held;
    /** Tokens that are to come whatever the model wants. */
    private List<Integer> due = List.of();
    private StringBuilder thought = new StringBuilder();
    private StreamingTextDecoder decoder;

    private enum State {
        /** The model may begin to think. */
        BEFORE,
        /** It thinks. */
        THINKING,
        /** It answers. */
        ANSWERING
    }

    /** The tokens of the marks around thinking, and the text of the second. */
    private record Marks(List<Integer> opening, List<Integer> closing, String closingText) {}

    /**
     * Creates a guide.
     *
     * @param maxTokens most tokens of thinking and answer together
     * @param marks     what stands around thinking, empty for a model that does not think
     * @param begun     whether the prompt ends with the mark before it
     * @throws io.github.chaijlama.constrain.TokenBudgetException if no answer is that short
     */
    AnswerGuide(JsonConstraint schema, Sampler sampler, TextTokenizer tokenizer, int maxTokens,
            Optional<ThinkingMarks> marks, boolean begun) {
        this.schema = schema;
        this.sampler = sampler;
        this.tokenizer = tokenizer;
        this.marks = marks.map(found -> new Marks(tokenizer.encodeMark(found.opening()),
                tokenizer.encodeMark(found.closing()), found.closing()));
        this.left = maxTokens;
        this.decoder = tokenizer.newDecoder(false);
        this.state = marks.isEmpty() ? State.ANSWERING : begun ? State.THINKING : State.BEFORE;
        int afterMark = begun ? this.marks.map(found -> found.closing.size()).orElse(0) : 0;
        this.held = state == State.THINKING ? null : schema.start(maxTokens);
        if (state == State.THINKING) {
            schema.start(Math.max(0, maxTokens - afterMark)); // refuses what cannot fit
        }
    }

    /** Returns the next token. */
    int choose(float[] logits) {
        if (!due.isEmpty()) {
            return due.getFirst();
        }
        return switch (state) {
            case BEFORE -> begin(logits);
            case THINKING -> think(logits);
            case ANSWERING -> answer(logits);
        };
    }

    private int begin(float[] logits) {
        Marks found = marks.orElseThrow();
        int first = found.opening.getFirst();
        float logit = logits[first];
        boolean fits = left - found.opening.size() - found.closing.size() >= schema.minimumTokens();
        requireHeld().mask(logits);
        boolean isAnswer = logits[first] != Float.NEGATIVE_INFINITY;
        if (fits && !isAnswer) {
            logits[first] = logit;
        }
        int token = sampler.sample(logits);
        if (token == first && !isAnswer) {
            due = found.opening;
        }
        return token;
    }

    private int think(float[] logits) {
        Marks found = marks.orElseThrow();
        if (left <= found.closing.size() + schema.minimumTokens()) {
            due = found.closing;
            return due.getFirst();
        }
        for (int end : tokenizer.endTokens()) {
            if (end < logits.length) {
                logits[end] = Float.NEGATIVE_INFINITY; // the answer is still to come
            }
        }
        int token = sampler.sample(logits);
        while (!endsCleanly(token, found.closingText)) {
            logits[token] = Float.NEGATIVE_INFINITY;
            token = sampler.sample(logits);
        }
        return token;
    }

    /** Whether nothing but whitespace follows the mark in the token that completes it. */
    private boolean endsCleanly(int token, String closing) {
        String text = thought + tokenizer.newDecoder(false).next(token);
        int at = text.indexOf(closing);
        return at < 0 || text.substring(at + closing.length()).isBlank();
    }

    private int answer(float[] logits) {
        requireHeld().mask(logits);
        return sampler.sample(logits);
    }

    /** Notes the token that came. */
    void accept(int token) {
        switch (state) {
            case BEFORE -> {
                if (due.isEmpty()) {
                    state = State.ANSWERING;
                    requireHeld().accept(token);
                } else {
                    due = due.subList(1, due.size());
                    state = due.isEmpty() ? State.THINKING : State.BEFORE;
                }
                left--;
            }
            case THINKING -> {
                left--;
                due = due.isEmpty() ? due : due.subList(1, due.size());
                thought.append(decoder.next(token));
                String closing = marks.orElseThrow().closingText;
                if (thought.indexOf(closing) >= 0) {
                    state = State.ANSWERING;
                    held = schema.start(left);
                    due = List.of();
                } else if (thought.length() > closing.length()) {
                    thought = new StringBuilder(thought.substring(thought.length() - closing.length()));
                }
            }
            case ANSWERING -> requireHeld().accept(token);
        }
    }

    /** Whether the answer must end here. */
    boolean isFinished() {
        return state == State.ANSWERING && requireHeld().isFinished();
    }

    private TokenConstraint requireHeld() {
        if (held == null) {
            throw new IllegalStateException("the model thinks, and does not answer yet");
        }
        return held;
    }
}
