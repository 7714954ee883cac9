// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;

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
    private final CountDownLatch end = new CountDownLatch(1);
    private int came;
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
        submitted = System.nanoTime();
        scheduler.submit(this);
        end.await();
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
        long[] between = new long[times.length - 1];
        Arrays.setAll(between, i -> times[i + 1] - times[i]);
        return between;
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
        return false;
    }

    @Override
    public boolean isReady() {
        return true;
    }

    @Override
    public OptionalInt next(float[] logits) {
        times[came] = System.nanoTime();
        int token = answer[came++];
        return came == answer.length ? OptionalInt.empty() : OptionalInt.of(token);
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
        end.countDown();
    }
}
