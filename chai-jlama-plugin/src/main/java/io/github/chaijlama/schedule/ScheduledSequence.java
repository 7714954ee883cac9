// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.model.BrokenModelException;
import io.github.chaijlama.prefix.RequestSession;
import io.github.chaijlama.prefix.SharedSessions;

/**
 * A request with its sequence, as far as it is calculated. It can be paused: its keys and values are given away, its
 * tokens kept, and when it goes on they are calculated again, the prompt as a prompt and the answer as an answer, so
 * that every number is what it was.
 *
 * <p>Not thread-safe.
 */
final class ScheduledSequence {
    private static final Logger logger = LoggerFactory.getLogger(ScheduledSequence.class);

    /** Failures of shared steps after which it shares no more. */
    private static final int MOST_FAILURES = 3;

    private final Generation generation;
    private final long number;
    private final OptionalLong deadline;
    private final int promptLength;
    /** The prompt and the answer so far, and nothing behind: a step must know what is about to follow. */
    private int[] tokens;
    /** How many of them, the last ones, came since the last step. */
    private int fresh;
    private AnswerSteps counts = AnswerSteps.NONE;
    private boolean isGuessed = true;
    /** Steps of it and others that failed. */
    private int failures;
    /** How many tokens it must have calculated alone before it shares steps again. */
    private int aloneUntil;
    private Optional<RequestSession> session = Optional.empty();
    private OptionalInt reusedTokens = OptionalInt.empty();
    /** For other threads, as are the next two. */
    private volatile int publicLength;
    private volatile int publicAnswer;
    private volatile int publicReuse;

    /**
     * Creates a sequence that waits.
     *
     * @param number   rises with the order of arrival
     * @param deadline when it must have ended, by the scheduler's clock
     */
    ScheduledSequence(Generation generation, long number, OptionalLong deadline) {
        this.generation = generation;
        this.number = number;
        this.deadline = deadline;
        this.tokens = generation.prompt();
        this.promptLength = tokens.length;
    }

    Generation generation() {
        return generation;
    }

    long number() {
        return number;
    }

    OptionalLong deadline() {
        return deadline;
    }

    boolean isExpired(long now) {
        return deadline.isPresent() && now - deadline.getAsLong() >= 0;
    }

    /** Whether it has calculated anything, now or before it was paused. */
    boolean hasBegun() {
        return reusedTokens.isPresent();
    }

    /** Gets a session. */
    void start(SharedSessions sessions) {
        RequestSession started = sessions.open(generation.attention(), Arrays.copyOf(tokens, promptLength));
        session = Optional.of(started);
        publicLength = started.length();
        if (reusedTokens.isEmpty()) {
            reusedTokens = OptionalInt.of(started.reusedTokens());
            publicReuse = started.reusedTokens();
            generation.begun(started.reusedTokens());
        }
    }

    /** Whether it can be started now, and nobody is about to calculate the beginning of its prompt. */
    boolean canStart(SharedSessions sessions) {
        return generation.isReady() && !sessions.isBeingCalculated(generation.attention(), generation.prompt());
    }

    /** Gives its memory away. */
    void close() {
        session.ifPresent(RequestSession::close);
        session = Optional.empty();
        publicLength = 0;
    }

    /** Returns how far it has come; any thread may ask. */
    SequenceFigures figures(boolean isRunning) {
        return new SequenceFigures(number, isRunning, generation.attention(), promptLength, publicReuse, publicAnswer,
                publicLength);
    }

    /** Returns what it uses; once it is closed, nothing of that is left. */
    SequenceUse use() {
        return session.map(open -> SequenceUse.of(open, counts))
                .map(use -> new SequenceUse(reusedTokens.orElse(0), use.attention(), use.kvCacheBytes(), counts))
                .orElseGet(() -> SequenceUse.none(generation.attention()));
    }

    private int calculated() {
        return session.orElseThrow().length();
    }

    /** Whether all that is left to calculate is what came last in the answer. */
    boolean isDecoding() {
        return calculated() >= promptLength && left() <= fresh;
    }

    /**
     * Notes that a step failed that it shared. It goes through that step alone, without guesses; where that has
     * happened several times it stays alone.
     */
    void suspect() {
        failures++;
        aloneUntil = failures < MOST_FAILURES ? tokens.length : Integer.MAX_VALUE;
        isGuessed = false;
    }

    /** Whether it may be what made a step fail. */
    boolean isSuspect() {
        return calculated() < aloneUntil;
    }

    /** Returns how many tokens are left to calculate. */
    int left() {
        return tokens.length - calculated();
    }

    /** Returns what a step can do for it: a run that does not pass the end of the prompt. */
    SharedSessions.Run run(int maxTokens) {
        int from = calculated();
        int end = from < promptLength ? promptLength : tokens.length;
        int count = Math.min(maxTokens, end - from);
        return new SharedSessions.Run(session.orElseThrow(), tokens, from, count,
                from + count == tokens.length ? 1 : 0);
    }

    /**
     * Returns a run of all that is left to calculate of an answer, and of what is guessed to follow.
     *
     * @param maxGuesses the most tokens of the guess
     */
    SharedSessions.Run runWithGuess(int maxGuesses) {
        int[] guess = guess(Math.min(maxGuesses, session.orElseThrow().roomForGuesses(left())));
        int[] all = Arrays.copyOf(tokens, tokens.length + guess.length);
        System.arraycopy(guess, 0, all, tokens.length, guess.length);
        return new SharedSessions.Run(session.orElseThrow(), all, calculated(), left() + guess.length,
                1 + guess.length);
    }

    private int[] guess(int most) {
        if (most < 1 || !isGuessed) {
            return new int[0];
        }
        try {
            return generation.guess(most);
        } catch (RuntimeException e) {
            logger.warn("Request {} goes on without guesses, which failed", number, e);
            isGuessed = false;
            return new int[0];
        }
    }

    /** Takes note of a step whose logits nobody wanted. */
    void stepped() {
        publicLength = calculated();
        if (publicLength == promptLength) {
            session.orElseThrow().endPrompt();
        }
    }

    /**
     * Takes what a step says about the tokens so far, and about those that were guessed, as long as these are what
     * comes. What was calculated for the others is taken back.
     *
     * @param run    the run of the step
     * @param logits behind the last token so far, and behind each that was guessed
     * @return false if the text has ended
     */
    boolean stepped(SharedSessions.Run run, List<float[]> logits) {
        int certain = tokens.length;
        int guessed = logits.size() - 1;
        if (guessed == 0) {
            stepped();
        }
        int right = 0;
        boolean goesOn;
        do {
            goesOn = takeNext(logits.get(right));
            while (right < guessed && certain + right < tokens.length
                    && run.tokens()[certain + right] == tokens[certain + right]) {
                right++;
            }
        } while (goesOn && certain + right == tokens.length && !generation.isCancelled());
        if (goesOn && certain + right == tokens.length) {
            right--; // it was cancelled: what follows its last token nobody wants to know
        }
        if (right < guessed) {
            session.orElseThrow().takeBack(certain + right);
        }
        if (guessed > 0) {
            generation.guessed(guessed, right);
        }
        counts = counts.plusStep(guessed, right);
        fresh = left();
        publicLength = calculated();
        return goesOn;
    }

    private boolean takeNext(float[] logits) {
        BrokenModelException.requireFinite("logits", logits);
        int[] next = generation.next(logits);
        for (int token : next) {
            if (token < 0 || token >= logits.length) {
                throw new IllegalArgumentException(
                        "tokens must be 0 to " + (logits.length - 1) + ", found " + token);
            }
        }
        tokens = Arrays.copyOf(tokens, tokens.length + next.length);
        System.arraycopy(next, 0, tokens, tokens.length - next.length, next.length);
        publicAnswer = tokens.length - promptLength;
        return next.length > 0;
    }
}
