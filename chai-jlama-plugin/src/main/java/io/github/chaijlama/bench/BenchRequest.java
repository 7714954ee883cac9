// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.schedule.Generation;
import io.github.chaijlama.schedule.Scheduler;
import io.github.chaijlama.schedule.SequenceUse;

/** A request whose prompt and answer are given, and that remembers when its tokens came. */
final class BenchRequest implements Generation {
    private final AttentionMode attention;
    private final int[] prompt;
    private final int[] answer;
    private final long[] times;
    private final CountDownLatch first = new CountDownLatch(1);
    private final CountDownLatch end = new CountDownLatch(1);
    private final AtomicInteger came = new AtomicInteger();
    private volatile boolean cancelled;
    private volatile Optional<Throwable> failure = Optional.empty();
    private long submitted;

    /**
     * Creates a request.
     *
     * @param tokens  the prompt, and the answer behind it
     * @param context length of the prompt
     */
    BenchRequest(AttentionMode attention, int[] tokens, int context) {
        this.attention = attention;
        this.prompt = Arrays.copyOf(tokens, context);
        this.answer = Arrays.copyOfRange(tokens, context, tokens.length);
        this.times = new long[answer.length];
    }

    /** Has it answered, and waits for that. */
    void run(Scheduler scheduler) throws InterruptedException {
        submit(scheduler);
        awaitEnd();
    }

    private void submit(Scheduler scheduler) {
        submitted = System.nanoTime();
        scheduler.submit(this);
    }

    private void requireNotFailed() {
        if (failure.isPresent()) {
            throw new IllegalStateException("a request failed: " + failure.get().getMessage(), failure.get());
        }
    }

    /** Returns the time to the first token, in nanoseconds. */
    long firstToken() {
        return times[0] - submitted;
    }

    /** Returns the times from token to token, in nanoseconds. */
    long[] betweenTokens() {
        return betweenTokens(Long.MIN_VALUE, Long.MAX_VALUE);
    }

    /** Returns the times from token to token, in nanoseconds, of tokens that came after one moment and by another. */
    long[] betweenTokens(long after, long until) {
        return IntStream.range(1, came.get()).filter(i -> times[i] > after && times[i] <= until)
                .mapToLong(i -> times[i] - times[i - 1]).toArray();
    }

    /** Returns when each token came, by {@link System#nanoTime()}. */
    long[] times() {
        return times;
    }

    /** Returns when the answer was asked for, by {@link System#nanoTime()}. */
    long submitted() {
        return submitted;
    }

    /** Returns how many tokens have come. */
    int tokens() {
        return came.get();
    }

    /** Whether the last token has come, the request was cancelled, or it has failed. */
    boolean hasEnded() {
        return end.getCount() == 0;
    }

    /** Ends the answer where it is. */
    void cancel() {
        cancelled = true;
    }

    /** Has it answered, and waits for the first token; the rest comes afterwards. */
    void runToFirstToken(Scheduler scheduler) throws InterruptedException {
        submit(scheduler);
        first.await();
        requireNotFailed();
    }

    /** Waits for the last token, or for the end after {@link #cancel}. */
    void awaitEnd() throws InterruptedException {
        end.await();
        requireNotFailed();
    }

    @Override
    public int[] prompt() {
        return prompt;
    }

    @Override
    public AttentionMode attention() {
        return attention;
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }

    @Override
    public boolean isReady() {
        return true;
    }

    @Override
    public int[] next(float[] logits) {
        times[came.get()] = System.nanoTime();
        first.countDown();
        int token = answer[came.getAndIncrement()];
        return came.get() == answer.length ? new int[0] : new int[]{ token };
    }

    @Override
    public void finished(SequenceUse use) {
        end.countDown();
    }

    @Override
    public void cancelled(SequenceUse use) {
        end.countDown();
    }

    @Override
    public void failed(Throwable error) {
        failure = Optional.of(error);
        first.countDown();
        end.countDown();
    }
}
