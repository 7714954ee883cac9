// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Arrays;
import java.util.Optional;
import java.util.function.Function;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.prefix.RequestSession;
import io.github.chaijlama.prefix.Sessions;
import io.github.chaijlama.schedule.AnswerSteps;
import io.github.chaijlama.schedule.Scheduler;
import io.github.chaijlama.schedule.SequenceUse;

/**
 * Generates answers, one token after another. Thread-safe: every answer has a session of its own. Without a scheduler
 * each takes its own steps, in turn with the others; with one they share them.
 */
final class TextGenerator {
    /** Tokens of the prompt between two looks at the cancellation. */
    private static final int PROMPT_SLICE = 256;

    private final TokenModel model;
    private final TextTokenizer tokenizer;
    private final Function<SamplingOptions, Sampler> samplers;
    private final Sessions sessions;
    private final Optional<Scheduler> scheduler;
    private final RequestWatch requests = new RequestWatch();
    private volatile AttentionMode attention;

    /**
     * Creates a generator whose answers take turns.
     *
     * @param samplers makes the sampler of an answer
     * @param sessions where sessions come from and go to; not closed here
     */
    TextGenerator(TokenModel model, TextTokenizer tokenizer, Function<SamplingOptions, Sampler> samplers,
            Sessions sessions) {
        this(model, tokenizer, samplers, sessions, Optional.empty());
    }

    /**
     * Creates a generator.
     *
     * @param scheduler takes the steps of all answers together, with these sessions; not closed here
     */
    TextGenerator(TokenModel model, TextTokenizer tokenizer, Function<SamplingOptions, Sampler> samplers,
            Sessions sessions, Optional<Scheduler> scheduler) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.samplers = samplers;
        this.sessions = sessions;
        this.scheduler = scheduler;
        this.attention = model.options().attention();
    }

    /** Returns what counts the requests. */
    RequestWatch requests() {
        return requests;
    }

    /** Returns the attention of requests that name none. */
    AttentionMode attention() {
        return attention;
    }

    /** Sets the attention of requests to come that name none. */
    void setAttention(AttentionMode newAttention) {
        attention = newAttention;
    }

    /**
     * Generates an answer.
     *
     * @param prompt      tokens of the prompt, at least one
     * @param startOfText whether the answer is a text of its own, not the continuation of the prompt's
     * @throws ContextLengthException   if the prompt alone is longer than the context
     * @throws io.github.chaijlama.constrain.TokenBudgetException if no answer that the constraint allows is as short as
     *                                                            this one must be
     * @throws IllegalArgumentException if the prompt is empty
     */
    GenerationResult generate(int[] prompt, boolean startOfText, GenerationOptions options, GenerationListener listener,
            Cancellation cancellation) {
        RequestWatch.Watched watched = requests.watch(prompt);
        GenerationResult result;
        try {
            result = generate(prompt, startOfText, options, listener, cancellation, watched);
        } catch (RuntimeException | Error e) {
            watched.failed(e);
            throw e;
        }
        watched.answered(result);
        return result;
    }

    private GenerationResult generate(int[] prompt, boolean startOfText, GenerationOptions options,
            GenerationListener listener, Cancellation cancellation, RequestWatch.Watched watched) {
        int contextLength = model.config().contextLength();
        if (prompt.length == 0) {
            throw new IllegalArgumentException("the prompt must have at least 1 token, found 0");
        }
        if (prompt.length > contextLength) {
            throw new ContextLengthException(prompt.length, contextLength);
        }
        AttentionMode mode = options.attention().orElse(attention);
        Function<GenerationListener, Answer> maker = heard -> new Answer(tokenizer, prompt,
                contextLength - prompt.length, startOfText, options, samplers.apply(options.sampling()),
                watched.around(heard));
        if (scheduler.isPresent()) {
            return new ScheduledAnswer(maker, prompt, mode, listener, cancellation, watched::begun)
                    .await(scheduler.get());
        }
        Answer answer = maker.apply(listener);
        try (RequestSession session = sessions.open(mode, prompt)) {
            watched.begun(session.reusedTokens());
            AnswerSteps counts = run(answer, session, prompt, cancellation);
            return answer.result(SequenceUse.of(session, counts));
        }
    }

    /** Generates an answer in steps of its own. */
    private static AnswerSteps run(Answer answer, RequestSession session, int[] prompt, Cancellation cancellation) {
        float[] logits = {};
        AnswerSteps counts = AnswerSteps.NONE;
        for (int from = session.length(); from < prompt.length && goesOn(answer, cancellation); from += PROMPT_SLICE) {
            logits = session.feed(Arrays.copyOfRange(prompt, from, Math.min(prompt.length, from + PROMPT_SLICE)));
        }
        if (!answer.isFinished()) {
            session.endPrompt();
        }
        while (goesOn(answer, cancellation)) {
            int[] tokens = answer.next(logits);
            counts = counts.plusStep(0, 0);
            if (tokens.length > 0) {
                logits = session.feed(tokens);
            }
        }
        return counts;
    }

    private static boolean goesOn(Answer answer, Cancellation cancellation) {
        if (cancellation.isCancelled()) {
            answer.cancel();
        }
        return !answer.isFinished();
    }
}
