// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.schedule.SequenceUse;

/**
 * One answer in the making: from logits to the next token, and from tokens to text. It knows nothing of who calculates
 * the logits. Not thread-safe.
 */
final class Answer {
    private final TextTokenizer tokenizer;
    private final int promptTokens;
    private final int maxNewTokens;
    private final Sampler sampler;
    private final GenerationListener listener;
    private final StreamingTextDecoder decoder;
    private final StopSequences stopSequences;
    private final boolean limitedByContext;
    private final Optional<AnswerGuide> guide;
    private final Optional<PromptLookup> guesses;
    private final AnswerText answerText;
    private final StringBuilder thinking = new StringBuilder();
    private final StringBuilder text = new StringBuilder();
    private final long start = System.nanoTime();
    private long firstToken;
    private int generated;
    private @Nullable FinishReason finishReason;

    /**
     * Begins an answer.
     *
     * @param prompt       tokens of the prompt
     * @param room         tokens that the context still holds
     * @param startOfText  whether the answer is a text of its own, not the continuation of the prompt's; thinking may
     *                     come before it then
     * @param listener     hears of every token on the thread that calls {@link #next}
     * @throws io.github.chaijlama.constrain.TokenBudgetException if no answer that the constraint allows is as short as
     *                                                            this one must be
     */
    Answer(TextTokenizer tokenizer, int[] prompt, int room, boolean startOfText, GenerationOptions options,
            Sampler sampler, GenerationListener listener) {
        int asked = options.maxNewTokens().orElse(Integer.MAX_VALUE);
        this.tokenizer = tokenizer;
        this.promptTokens = prompt.length;
        this.limitedByContext = asked > room;
        this.maxNewTokens = Math.min(asked, room);
        this.sampler = sampler;
        sampler.begin(prompt);
        Thoughts thoughts = tokenizer.thoughts();
        this.answerText = startOfText ? thoughts.separate(prompt, tokenizer)
                : new ThinkingText(Optional.empty(), false);
        this.guide = options.constraint()
                .map(schema -> new AnswerGuide(schema, sampler, tokenizer, maxNewTokens, thoughts, answerText));
        this.guesses = options.guess() ? Optional.of(new PromptLookup(prompt, tokenizer::word))
                : Optional.empty();
        this.listener = listener;
        this.decoder = tokenizer.newDecoder(startOfText);
        this.stopSequences = new StopSequences(options.stopSequences());
        if (maxNewTokens == 0) {
            finishReason = FinishReason.CONTEXT_FULL;
        }
    }

    /** Whether nothing more is to be calculated. */
    boolean isFinished() {
        return finishReason != null;
    }

    /**
     * Chooses the next token.
     *
     * @param logits after all tokens so far; changed where a constraint forbids a token
     * @return the token and those that follow it in any case, to be calculated; none if the answer has ended
     */
    int[] next(float[] logits) {
        IntStream.Builder tokens = IntStream.builder();
        OptionalInt token = OptionalInt
                .of(guide.map(held -> held.choose(logits)).orElseGet(() -> sampler.sample(logits)));
        while (token.isPresent()) {
            accept(token.getAsInt());
            if (isFinished()) {
                finishText();
                return new int[0];
            }
            tokens.add(token.getAsInt());
            token = guide.map(AnswerGuide::certain).orElse(OptionalInt.empty());
        }
        return tokens.build().toArray();
    }

    /**
     * Returns what may come next.
     *
     * @param most the most tokens that are of use
     */
    int[] guess(int most) {
        int useful = Math.min(most, maxNewTokens - generated - 1);
        if (guesses.isEmpty() || useful < 1) {
            return new int[0];
        }
        int[] guess = guesses.get().next(guide.map(AnswerGuide::likely).orElse(new int[0]), useful);
        return guide.map(held -> Arrays.copyOf(guess, held.allowed(guess))).orElse(guess);
    }

    /** Says how many of the tokens that were guessed last have come. */
    void guessed(int right) {
        guesses.ifPresent(asked -> asked.checked(right));
    }

    /** Ends the answer where it is. */
    void cancel() {
        if (!isFinished()) {
            finishReason = FinishReason.CANCELLED;
            finishText();
        }
    }

    private void accept(int token) {
        generated++;
        guesses.ifPresent(asked -> asked.add(token));
        if (generated == 1) {
            firstToken = System.nanoTime();
        }
        guide.ifPresent(held -> held.accept(token));
        if (tokenizer.isEndToken(token)) {
            finishReason = FinishReason.END_TOKEN;
            return;
        }
        String certain = answered(answerText.next(token, decoder.next(token)));
        if (stopSequences.isFound()) {
            finishReason = FinishReason.STOP_SEQUENCE;
        } else if (guide.filter(AnswerGuide::isFinished).isPresent()) {
            finishReason = FinishReason.END_TOKEN;
        } else if (generated == maxNewTokens) {
            finishReason = limitedByContext ? FinishReason.CONTEXT_FULL : FinishReason.MAX_TOKENS;
        }
        listener.onToken(token, certain);
    }

    /** Tells of what is thought, and returns what has become certain of the answer. */
    private String answered(AnswerText.Parts parts) {
        if (!parts.thinking().isEmpty()) {
            thinking.append(parts.thinking());
            listener.onThinking(parts.thinking());
        }
        String certain = stopSequences.next(parts.answer());
        text.append(certain);
        return certain;
    }

    private void finishText() {
        if (finishReason == FinishReason.STOP_SEQUENCE) {
            return;
        }
        String rest = answered(answerText.next(AnswerText.NO_TOKEN, decoder.finish())) + answered(answerText.finish());
        if (stopSequences.isFound()) {
            finishReason = FinishReason.STOP_SEQUENCE;
        }
        String unfinished = stopSequences.finish();
        text.append(unfinished);
        rest += unfinished;
        if (!rest.isEmpty()) {
            listener.onRemainingText(rest);
        }
    }

    /** Returns the finished answer. */
    GenerationResult result(SequenceUse use) {
        long end = System.nanoTime();
        return new GenerationResult(text.toString(), thinking.toString(), Objects.requireNonNull(finishReason),
                promptTokens,
                use.reusedTokens(), generated, use.attention(),
                Duration.ofNanos((generated == 0 ? end : firstToken) - start), Duration.ofNanos(end - start),
                use.kvCacheBytes(), use.counts());
    }
}
