// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

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
    private final Generation generation;
    private final long number;
    private final OptionalLong deadline;
    private final int promptLength;
    /** The prompt and the answer so far, and nothing behind: a step must know what is about to follow. */
    private int[] tokens;
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
        return session.map(SequenceUse::of).map(
                use -> new SequenceUse(reusedTokens.orElse(0), use.attention(), use.kvCacheBytes()))
                .orElseGet(() -> SequenceUse.none(generation.attention()));
    }

    private int calculated() {
        return session.orElseThrow().length();
    }

    /** Whether all that is left to calculate is the last token of the answer. */
    boolean isDecoding() {
        return calculated() >= promptLength && tokens.length - calculated() == 1;
    }

    /** Returns what a step can do for it: a run that does not pass the end of the prompt. */
    SharedSessions.Run run(int maxTokens) {
        int from = calculated();
        int end = from < promptLength ? promptLength : tokens.length;
        int count = Math.min(maxTokens, end - from);
        return new SharedSessions.Run(session.orElseThrow(), tokens, from, count, from + count == tokens.length);
    }

    /** Takes note of a step whose logits nobody wanted. */
    void stepped() {
        publicLength = calculated();
        if (publicLength == promptLength) {
            session.orElseThrow().endPrompt();
        }
    }

    /** Takes what a step says about all tokens so far; false if the text has ended. */
    boolean stepped(float[] logits) {
        stepped();
        BrokenModelException.requireFinite("logits", logits);
        OptionalInt next = generation.next(logits);
        if (next.isEmpty()) {
            return false;
        }
        if (next.getAsInt() < 0 || next.getAsInt() >= logits.length) {
            throw new IllegalArgumentException(
                    "tokens must be 0 to " + (logits.length - 1) + ", found " + next.getAsInt());
        }
        tokens = Arrays.copyOf(tokens, tokens.length + 1);
        tokens[tokens.length - 1] = next.getAsInt();
        publicAnswer = tokens.length - promptLength;
        return true;
    }
}
