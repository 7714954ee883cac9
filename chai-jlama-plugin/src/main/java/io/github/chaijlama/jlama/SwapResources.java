// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.concurrent.locks.ReentrantLock;

import com.github.tjake.jlama.safetensors.Config;

import io.github.chaijlama.parallel.WorkerPool;

/**
 * What the exchanged parts of a model share: threads, operators, and scratch memory for one batch. Whoever uses the
 * scratch holds the lock; a session holds it for a whole step, so that steps of different sequences take turns, in
 * order of arrival.
 */
final class SwapResources implements AutoCloseable {
    private final ReentrantLock lock = new ReentrantLock(true);
    private final WorkerPool workers;
    private final MatrixProducts products;
    private final RowTensors queries;
    private final RowTensors keys;
    private final RowTensors values;
    private final RowTensors attended;
    private final RowTensors gate;
    private final RowTensors up;
    /** Made when there is a mixture of experts to use them. */
    private RowTensors router;
    private final RowTensors expertInput;
    private final RowTensors expertOutput;

    SwapResources(Config config, WorkerPool workers) {
        this.workers = workers;
        this.products = new MatrixProducts(workers);
        this.queries = new RowTensors(config.attentionLength);
        this.keys = new RowTensors(config.kvLength);
        this.values = new RowTensors(config.kvLength);
        this.attended = new RowTensors(config.attentionLength);
        this.gate = new RowTensors(config.hiddenLength);
        this.up = new RowTensors(config.hiddenLength);
        this.expertInput = new RowTensors(config.embeddingLength);
        this.expertOutput = new RowTensors(config.embeddingLength);
    }

    ReentrantLock lock() {
        return lock;
    }

    WorkerPool workers() {
        return workers;
    }

    MatrixProducts products() {
        return products;
    }

    RowTensors queries() {
        return queries;
    }

    RowTensors keys() {
        return keys;
    }

    RowTensors values() {
        return values;
    }

    RowTensors attended() {
        return attended;
    }

    RowTensors gate() {
        return gate;
    }

    RowTensors up() {
        return up;
    }

    RowTensors router(int experts) {
        if (router == null) {
            router = new RowTensors(experts);
        }
        return router;
    }

    RowTensors expertInput() {
        return expertInput;
    }

    RowTensors expertOutput() {
        return expertOutput;
    }

    @Override
    public void close() {
        queries.close();
        keys.close();
        values.close();
        attended.close();
        gate.close();
        up.close();
        expertInput.close();
        expertOutput.close();
        if (router != null) {
            router.close();
        }
    }
}
