// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.constrain.TokenBudgetException;
import io.github.chaijlama.prefix.RequestSession;
import io.github.chaijlama.prefix.Sessions;

/** Generates answers, one token after another. Thread-safe: every answer has a session of its own. */
final class TextGenerator {
    /** Tokens of the prompt between two looks at the cancellation. */
    private static final int PROMPT_SLICE = 256;

    private final TokenModel model;
    private final TextTokenizer tokenizer;
    private final Function<SamplingOptions, Sampler> samplers;
    private final Sessions sessions;

    /**
     * Creates a generator.
     *
     * @param samplers makes the sampler of an answer
     * @param sessions where sessions come from and go to; not closed here
     */
    TextGenerator(TokenModel model, TextTokenizer tokenizer, Function<SamplingOptions, Sampler> samplers,
            Sessions sessions) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.samplers = samplers;
        this.sessions = sessions;
    }

    /**
     * Generates an answer.
     *
     * @param prompt      tokens of the prompt, at least one
     * @param startOfText whether the answer is a text of its own, not the continuation of the prompt's
     * @throws ContextLengthException   if the prompt alone is longer than the context
     * @throws TokenBudgetException     if no answer that the constraint allows is as short as this one must be
     * @throws IllegalArgumentException if the prompt is empty
     */
    GenerationResult generate(int[] prompt, boolean startOfText, GenerationOptions options, GenerationListener listener,
            Cancellation cancellation) {
        int contextLength = model.config().contextLength();
        if (prompt.length == 0) {
            throw new IllegalArgumentException("the prompt must have at least 1 token, found 0");
        }
        if (prompt.length > contextLength) {
            throw new ContextLengthException(prompt.length, contextLength);
        }
        Answer answer = new Answer(prompt, startOfText, options, listener);
        AttentionMode attention = options.attention().orElse(model.options().attention());
        try (RequestSession session = sessions.open(attention, prompt)) {
            answer.run(session, prompt, cancellation);
            return answer.result(session);
        }
    }

    /** One answer in the making. */
    private final class Answer {
        private final int promptTokens;
        private final int maxNewTokens;
        private final Sampler sampler;
        private final GenerationListener listener;
        private final StreamingTextDecoder decoder;
        private final StopSequences stopSequences;
        private final boolean limitedByContext;
        private final Optional<AnswerGuide> guide;
        private final ThinkingText thinkingText;
        private final StringBuilder thinking = new StringBuilder();
        private final StringBuilder text = new StringBuilder();
        private final long start = System.nanoTime();
        private long firstToken;
        private int generated;
        private @Nullable FinishReason finishReason;

        /** An answer to a conversation is a text of its own, and thinking may come before it. */
        Answer(int[] prompt, boolean startOfText, GenerationOptions options, GenerationListener listener) {
            this.promptTokens = prompt.length;
            int room = model.config().contextLength() - promptTokens;
            int asked = options.maxNewTokens().orElse(Integer.MAX_VALUE);
            this.limitedByContext = asked > room;
            this.maxNewTokens = Math.min(asked, room);
            this.sampler = samplers.apply(options.sampling());
            sampler.begin(prompt);
            Optional<ThinkingMarks> marks = tokenizer.thinkingMarks().filter(_ -> startOfText);
            boolean thinks = marks.filter(found -> tokenizer.endsWith(prompt, found.opening())).isPresent();
            this.thinkingText = new ThinkingText(marks, thinks);
            this.guide = options.constraint().map(
                    schema -> new AnswerGuide(schema, sampler, tokenizer, maxNewTokens, marks, thinks));
            this.listener = listener;
            this.decoder = tokenizer.newDecoder(startOfText);
            this.stopSequences = new StopSequences(options.stopSequences());
        }

        void run(RequestSession session, int[] prompt, Cancellation cancellation) {
            if (maxNewTokens == 0) {
                finishReason = FinishReason.CONTEXT_FULL;
                return;
            }
            float[] logits = {};
            for (int from = session.length(); from < prompt.length && !cancelled(cancellation); from += PROMPT_SLICE) {
                logits = session.feed(
                        Arrays.copyOfRange(prompt, from, Math.min(prompt.length, from + PROMPT_SLICE)));
            }
            if (finishReason == null) {
                session.endPrompt();
            }
            while (!cancelled(cancellation)) {
                int token = choose(logits);
                accept(token);
                if (finishReason != null) {
                    break;
                }
                logits = session.feed(token);
            }
            finishText();
        }

        private int choose(float[] logits) {
            return guide.map(held -> held.choose(logits)).orElseGet(() -> sampler.sample(logits));
        }

        private boolean cancelled(Cancellation cancellation) {
            if (cancellation.isCancelled()) {
                finishReason = FinishReason.CANCELLED;
            }
            return finishReason == FinishReason.CANCELLED;
        }

        private void accept(int token) {
            generated++;
            if (generated == 1) {
                firstToken = System.nanoTime();
            }
            guide.ifPresent(held -> held.accept(token));
            if (tokenizer.isEndToken(token)) {
                finishReason = FinishReason.END_TOKEN;
                return;
            }
            String certain = answered(thinkingText.next(decoder.next(token)));
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
        private String answered(ThinkingText.Parts parts) {
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
            String rest = answered(thinkingText.next(decoder.finish())) + answered(thinkingText.finish());
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

        GenerationResult result(RequestSession session) {
            long end = System.nanoTime();
            return new GenerationResult(text.toString(), thinking.toString(),
                    Objects.requireNonNull(finishReason), promptTokens,
                    session.reusedTokens(), generated,
                    session.attention(),
                    Duration.ofNanos((generated == 0 ? end : firstToken) - start), Duration.ofNanos(end - start),
                    session.kvCacheBytes());
        }
    }
}
