// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.parallel.WorkerPool;

/**
 * What several models in one process have together: the threads of their steps and the budget for their keys and
 * values. Each model still takes its own steps, at the same time as others do; the threads help whoever comes first,
 * and a step that finds them busy goes on alone. Thread-safe. Whoever creates it closes it, after the models.
 *
 * <p>When keys and values do not fit, the models' schedulers take turns ({@link KvBudget}); sessions that are fed
 * without one fail with a {@link io.github.chaijlama.kv.KvCacheFullException} as they would on a model of their own.
 */
public final class SharedResources implements AutoCloseable {
    private final WorkerPool workers;
    private final KvBudget budget;

    /**
     * Starts the threads.
     *
     * @param threads         of a step, 1 to {@value ChaiOptions#MAX_THREADS}
     * @param kvCacheMaxBytes budget for the keys and values of all models, in bytes
     */
    public SharedResources(int threads, long kvCacheMaxBytes) {
        if (threads < 1 || threads > ChaiOptions.MAX_THREADS) {
            throw new IllegalArgumentException(
                    "threads must be 1 to " + ChaiOptions.MAX_THREADS + ", found " + threads);
        }
        if (kvCacheMaxBytes < 1) {
            throw new IllegalArgumentException(
                    "the key/value budget must be at least 1 byte, found " + kvCacheMaxBytes);
        }
        this.workers = new WorkerPool(threads);
        this.budget = new KvBudget(kvCacheMaxBytes);
    }

    /** Returns the number of threads of a step. */
    public int threads() {
        return workers.threads();
    }

    /** Returns the budget for the keys and values of all models. */
    public KvBudget kvBudget() {
        return budget;
    }

    WorkerPool workers() {
        return workers;
    }

    /** Ends the threads. */
    @Override
    public void close() {
        workers.close();
    }
}
