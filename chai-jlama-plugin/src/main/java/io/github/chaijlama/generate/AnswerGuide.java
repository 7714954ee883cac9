// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

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
    private final Thoughts.Around around;
    private int left;
    private State state;
    private @Nullable TokenConstraint held;
    /** How many tokens of what opens thinking have come, where an answer may begin like it. */
    private int opened;
    /** Tokens that are to come whatever the model wants. */
    private List<Integer> due = List.of();
    /** Tokens that the text spells which must come next, and that the model may put in another way. */
    private int[] likely = {};
    /** Whether the sampler has chosen the next token. */
    private boolean isSampled;
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

    /**
     * Creates a guide.
     *
     * @param maxTokens most tokens of thinking and answer together
     * @param thoughts  how the model thinks
     * @param text      knows where the answer is, before its first token
     * @throws io.github.chaijlama.constrain.TokenBudgetException if no answer is that short
     */
    AnswerGuide(JsonConstraint schema, Sampler sampler, TextTokenizer tokenizer, int maxTokens, Thoughts thoughts,
            AnswerText text) {
        boolean channelIsOpen = !thoughts.answerOpening().isEmpty() && (text.mayThink() || text.isThinking());
        this.schema = channelIsOpen ? schema.opened(thoughts.answerOpening()) : schema;
        this.sampler = sampler;
        this.tokenizer = tokenizer;
        Optional<Thoughts.Around> found = thoughts.around(tokenizer);
        this.around = found.orElseGet(() -> new Thoughts.Around(List.of(), List.of(), "", Set.of()));
        this.left = maxTokens;
        this.decoder = tokenizer.newDecoder(false);
        this.state = text.isThinking() ? State.THINKING
                : found.isPresent() && text.mayThink() ? State.BEFORE : State.ANSWERING;
        if (state == State.THINKING) {
            this.schema.start(Math.max(0, maxTokens - around.closing().size())); // refuses what cannot fit
        } else {
            this.held = this.schema.start(maxTokens);
            if (state == State.ANSWERING) {
                findCertain();
            }
        }
    }

    /** Returns the token that comes next whatever the model says, if there is one. */
    OptionalInt certain() {
        return due.isEmpty() ? OptionalInt.empty() : OptionalInt.of(due.getFirst());
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
        List<Integer> opening = around.opening().subList(opened, around.opening().size());
        int next = opening.getFirst();
        float logit = logits[next];
        boolean fits = left - opening.size() - around.closing().size() >= schema.minimumTokens();
        requireHeld().mask(logits);
        boolean isAnswer = logits[next] != Float.NEGATIVE_INFINITY;
        if (fits && !isAnswer) {
            logits[next] = logit;
        }
        int token = sample(logits);
        if (token == next && !isAnswer) {
            due = opening;
        }
        return token;
    }

    private int think(float[] logits) {
        if (left <= around.closing().size() + schema.minimumTokens()) {
            due = around.closing();
            return due.getFirst();
        }
        // The answer is still to come.
        tokenizer.endTokens().forEach(end -> forbid(logits, end));
        around.never().forEach(token -> forbid(logits, token));
        int token = sample(logits);
        while (!endsCleanly(token)) {
            forbid(logits, token);
            token = sample(logits);
        }
        return token;
    }

    private static void forbid(float[] logits, int token) {
        if (token < logits.length) {
            logits[token] = Float.NEGATIVE_INFINITY;
        }
    }

    /** Whether nothing but whitespace follows the mark in the token that completes it. */
    private boolean endsCleanly(int token) {
        if (around.closingText().isEmpty()) {
            return true;
        }
        String text = thought + tokenizer.newDecoder(false).next(token);
        int at = text.indexOf(around.closingText());
        return at < 0 || text.substring(at + around.closingText().length()).isBlank();
    }

    private int answer(float[] logits) {
        requireHeld().mask(logits);
        return sample(logits);
    }

    private int sample(float[] logits) {
        isSampled = true;
        return sampler.sample(logits);
    }

    /** Notes the token that came. */
    void accept(int token) {
        if (!isSampled) {
            sampler.skip(token);
        }
        isSampled = false;
        boolean wasDue = !due.isEmpty();
        switch (state) {
            case BEFORE -> {
                left--;
                acceptBefore(token);
            }
            case THINKING -> {
                left--;
                acceptThought(token);
            }
            case ANSWERING -> {
                requireHeld().accept(token);
                due = due.isEmpty() ? due : due.subList(1, due.size());
            }
        }
        if (state == State.ANSWERING && !wasDue) {
            findCertain();
        }
    }

    /** Looks for tokens that need not be chosen, because the schema leaves no other text. */
    private void findCertain() {
        TokenConstraint.NextText next = requireHeld().nextText(tokenizer::encodeWithin);
        due = Arrays.stream(next.tokens(), 0, next.certain()).boxed().toList();
        likely = Arrays.copyOfRange(next.tokens(), next.certain(), next.tokens().length);
    }

    /** Returns what is likely to come next: the tokens of a text that must come, though maybe in other tokens. */
    int[] likely() {
        return likely;
    }

    /** Returns how many of some tokens, the first ones, may come next. */
    int allowed(int[] tokens) {
        return state == State.ANSWERING ? requireHeld().allowed(tokens) : tokens.length;
    }

    private void acceptBefore(int token) {
        if (!due.isEmpty()) {
            due = due.subList(1, due.size());
            state = due.isEmpty() ? State.THINKING : State.BEFORE;
            return;
        }
        requireHeld().accept(token);
        opened = token == around.opening().get(opened) ? opened + 1 : around.opening().size();
        if (opened == around.opening().size()) {
            state = State.ANSWERING;
        }
    }

    private void acceptThought(int token) {
        boolean ends;
        if (!due.isEmpty()) {
            due = due.subList(1, due.size());
            ends = due.isEmpty();
        } else if (around.closingText().isEmpty()) {
            due = token == around.closing().getFirst() ? around.closing().subList(1, around.closing().size()) : due;
            ends = false;
        } else {
            String closing = around.closingText();
            thought.append(decoder.next(token));
            ends = thought.indexOf(closing) >= 0;
            if (thought.length() > closing.length()) {
                thought = new StringBuilder(thought.substring(thought.length() - closing.length()));
            }
        }
        if (ends) {
            state = State.ANSWERING;
            held = schema.start(left);
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
