// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Where requests of a model come in, so that it can stop without cutting answers: it is shut, those who are inside come
 * to their end, and the last one leaves. Thread-safe.
 */
public final class RequestGate {
    private final Consumer<StoppingException> refused;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition left = lock.newCondition();
    /** Guarded by the lock, as all below. */
    private int inside;
    private boolean shut;
    private boolean abandoned;

    /**
     * Creates an open gate.
     *
     * @param refused is told of every request that is turned away
     */
    RequestGate(Consumer<StoppingException> refused) {
        this.refused = refused;
    }

    /** What somebody has who is inside, until it is closed. */
    public final class Pass implements AutoCloseable {
        private final AtomicBoolean closed = new AtomicBoolean();

        private Pass() {}

        /** Leaves. */
        @Override
        public void close() {
            if (closed.compareAndSet(false, true)) {
                lock.lock();
                try {
                    inside--;
                    left.signalAll();
                } finally {
                    lock.unlock();
                }
            }
        }
    }

    /**
     * Comes in with a request.
     *
     * @throws StoppingException if the gate is shut
     */
    Pass enter() {
        lock.lock();
        try {
            if (!shut) {
                return stay();
            }
        } finally {
            lock.unlock();
        }
        throw refuse();
    }

    /**
     * Turns a request away, whether the gate is shut or not: for those who let requests come to a model and know before
     * it does that it will stop. The model's listeners hear of it.
     *
     * @return what to tell whoever sent the request
     */
    public StoppingException refuse() {
        StoppingException stopping = new StoppingException();
        refused.accept(stopping);
        return stopping;
    }

    /** Comes in with what is done around a request, before it or with its answer; also when the gate is shut. */
    public Pass stay() {
        lock.lock();
        try {
            inside++;
            return new Pass();
        } finally {
            lock.unlock();
        }
    }

    /** Refuses new requests from now on. */
    public void shut() {
        lock.lock();
        try {
            shut = true;
        } finally {
            lock.unlock();
        }
    }

    /** Lets requests in again. */
    public void open() {
        lock.lock();
        try {
            shut = false;
        } finally {
            lock.unlock();
        }
    }

    /** Whether new requests are refused. */
    public boolean isShut() {
        lock.lock();
        try {
            return shut;
        } finally {
            lock.unlock();
        }
    }

    /** Returns how many are inside. */
    public int inside() {
        lock.lock();
        try {
            return inside;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until nobody is inside, or the model is closed. */
    public void awaitNobody() throws InterruptedException {
        lock.lock();
        try {
            while (inside > 0 && !abandoned) {
                left.await();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Lets nobody wait any more: the model is closed. */
    void abandon() {
        lock.lock();
        try {
            abandoned = true;
            left.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
