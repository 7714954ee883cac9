// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

import dev.langchain4j.exception.RateLimitException;

/**
 * What takes the model's time but answers nobody's message, one after another: pictures of clusters, comparisons.
 * Thread-safe.
 */
final class BackgroundRuns implements AutoCloseable {
    private static final int MOST_WAITING = 8;

    private final ExecutorService thread = new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MOST_WAITING), Thread.ofPlatform().daemon().name("sample-background").factory());

    /**
     * Runs something when its turn has come.
     *
     * @throws RateLimitException if too much waits already
     */
    void run(Runnable task) {
        try {
            thread.execute(task);
        } catch (RejectedExecutionException e) {
            throw new RateLimitException(
                    MOST_WAITING + " comparisons or pictures of clusters wait already; try again later", e);
        }
    }

    /** Interrupts what runs. */
    @Override
    public void close() {
        thread.shutdownNow();
    }
}
