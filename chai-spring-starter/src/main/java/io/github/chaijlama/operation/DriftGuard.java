// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.generate.AnsweredRequest;
import io.github.chaijlama.generate.RequestListener;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.prefix.KvCacheFigures;

/**
 * Checks every n-th answered request of one model, on a thread of its own while no request is there nor was a moment
 * ago: a slice of a check is all that one that comes waits for. Few requests wait to be checked, and when that many do,
 * or memory is short, they are dropped. Thread-safe.
 */
final class DriftGuard implements RequestListener, AutoCloseable {
    private static final Logger logger = LoggerFactory.getLogger(DriftGuard.class);
    /** Requests that wait to be checked, at most. */
    private static final int MAX_QUEUED = 4;
    /** Requests whose mean is looked at. */
    private static final int LAST = 64;
    /** The share of the budget that the two sequences of a check may take. */
    private static final int SHARE = 8;
    private static final long PAUSE_MILLIS = 10;
    /** Nanoseconds without a request before a check begins or goes on: who asks at once again is not to wait for it. */
    private static final long QUIET_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private final TextModel model;
    private final DriftCheck check;
    private final int every;
    private final Consumer<DriftFigures> whenChecked;
    private final BlockingQueue<AnsweredRequest> queue = new ArrayBlockingQueue<>(MAX_QUEUED);
    private final AtomicLong answered = new AtomicLong();
    private final AtomicLong checked = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private final Thread thread;
    /** Guarded by itself. */
    private final Deque<DriftCheck.Result> last = new ArrayDeque<>();
    private volatile Optional<Instant> lastChecked = Optional.empty();
    private volatile boolean closed;

    /**
     * Creates a guard and begins to listen.
     *
     * @param model       with clustered attention
     * @param whenChecked told after every check, on the guard's thread
     */
    DriftGuard(TextModel model, int every, int maxTokens, Consumer<DriftFigures> whenChecked) {
        this.model = model;
        this.check = new DriftCheck(model.model(), maxTokens);
        this.every = every;
        this.whenChecked = whenChecked;
        this.thread = Thread.ofPlatform().daemon().name("chai-drift").priority(Thread.MIN_PRIORITY)
                .unstarted(this::work);
        model.model().reclaimFirstFrom(() -> Thread.currentThread() != thread && check.giveWay());
        model.addListener(this);
        thread.start();
    }

    @Override
    public void onAnswer(AnsweredRequest request) {
        if (request.result().attention() == AttentionMode.CLUSTERED && check.isOfUse(request)
                && answered.incrementAndGet() % every == 0 && !queue.offer(request)) {
            dropped.incrementAndGet();
        }
    }

    /** Returns what was found out so far. */
    DriftFigures figures() {
        long tokens = 0;
        long agreed = 0;
        double divergence = 0;
        synchronized (last) {
            for (DriftCheck.Result result : last) {
                tokens += result.tokens();
                agreed += result.agreed();
                divergence += result.divergence();
            }
        }
        return new DriftFigures(checked.get(), dropped.get(), divergence / tokens, (double) agreed / tokens,
                lastChecked);
    }

    private void work() {
        while (!closed) {
            try {
                check(queue.take());
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                return; // it was closed
            }
        }
    }

    private void check(AnsweredRequest request) {
        try {
            if (!hasRoom(request)) {
                throw new DriftCheck.DroppedException();
            }
            DriftCheck.Result result = check.run(request, new Quiet());
            synchronized (last) {
                last.addLast(result);
                if (last.size() > LAST) {
                    last.removeFirst();
                }
            }
            lastChecked = Optional.of(Instant.now());
            checked.incrementAndGet();
            whenChecked.accept(figures());
        } catch (DriftCheck.DroppedException | KvCacheFullException _) {
            dropped.incrementAndGet();
        } catch (RuntimeException e) {
            dropped.incrementAndGet();
            if (!closed) {
                logger.warn("A request could not be checked against exact attention", e);
            }
        }
    }

    /** Whether two sequences fit into the guard's share of the budget, and nobody has to give way to them. */
    private boolean hasRoom(AnsweredRequest request) {
        KvCacheFigures memory = model.kvCacheFigures().orElseThrow();
        long pages = 2L * Math.ceilDiv(check.length(request), memory.pageTokens());
        double share = (double) pages / memory.pagesPerHead();
        KvBudget budget = model.model().kvBudget(); // other models may draw on it, too
        double free = 1 - (double) budget.takenBytes() / budget.maxBytes();
        return share <= 1.0 / SHARE && share <= free;
    }

    /** Waits until no request has been there for a while; false if the guard is closed. Belongs to one check. */
    private final class Quiet implements BooleanSupplier {
        private long since = System.nanoTime();

        @Override
        public boolean getAsBoolean() {
            try {
                while (!closed && (isBusy() || System.nanoTime() - since < QUIET_NANOS)) {
                    TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
                }
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                return false;
            }
            return !closed;
        }

        private boolean isBusy() {
            boolean busy = model.scheduler().filter(of -> of.running() + of.waiting() > 0).isPresent();
            if (busy) {
                since = System.nanoTime();
            }
            return busy;
        }
    }

    /** Listens no more, and waits for the slice that is running. */
    @Override
    public void close() {
        closed = true;
        model.removeListener(this);
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        model.model().reclaimFirstFrom(() -> false);
    }
}
