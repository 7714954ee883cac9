// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.prefix.SharedSessions;

/**
 * Answers many requests at once: one thread forms step after step from the sequences that are ready, a token of every
 * answer that goes on and a slice of the prompts that wait, and takes each for all of them together. Thread-safe.
 *
 * <p>Requests are started in order of arrival. At most so many share steps and so many more wait as
 * {@link SchedulerLimits} says; what comes beyond that is refused at once.
 */
public final class Scheduler implements AutoCloseable {
    private static final Logger logger = LoggerFactory.getLogger(Scheduler.class);

    private final SchedulerLimits limits;
    private final KvBudget.Member memory;
    private final SchedulerLoop loop;
    private final Thread thread;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** Requests that the loop has not seen yet. Guarded by the lock, as all below. */
    private final List<ScheduledSequence> arrivals = new ArrayList<>();
    private long requests;
    /** Requests that have come and not ended. */
    private int open;
    private boolean hasChanged;
    private boolean closed;
    private long refused;

    private Scheduler(SharedSessions sessions, SchedulerLimits limits) {
        this.limits = limits;
        this.memory = sessions.budget().orElseGet(() -> new KvBudget(Long.MAX_VALUE)).join(this::wake);
        this.loop = new SchedulerLoop(sessions, limits, memory, this::ended);
        this.thread = Thread.ofPlatform().daemon().name("chai-scheduler").unstarted(this::run);
    }

    /**
     * Starts a scheduler with a thread of its own.
     *
     * @param sessions used by that thread only from now on, until the scheduler is closed
     */
    public static Scheduler start(SharedSessions sessions, SchedulerLimits limits) {
        Scheduler scheduler = new Scheduler(sessions, limits);
        scheduler.thread.start();
        return scheduler;
    }

    /** Returns what this scheduler takes on. */
    public SchedulerLimits limits() {
        return limits;
    }

    /**
     * Takes a request on; it is told what becomes of it.
     *
     * @throws PromptTooLongException if its prompt is longer than the limit
     * @throws BusyException          if too many requests are there already
     * @throws IllegalStateException  if the scheduler is closed
     */
    public void submit(Generation generation) {
        int tokens = generation.prompt().length;
        limits.maxPromptTokens().filter(most -> tokens > most).ifPresent(most -> {
            throw new PromptTooLongException(tokens, most);
        });
        lock.lock();
        try {
            requireOpen();
            if (open >= (long) limits.maxConcurrent() + limits.maxWaiting()) {
                refused++;
                throw new BusyException(limits);
            }
            OptionalLong deadline = limits.timeLimit()
                    .map(limit -> OptionalLong.of(System.nanoTime() + limit.toNanos()))
                    .orElse(OptionalLong.empty());
            open++;
            arrivals.add(new ScheduledSequence(generation, requests++, deadline));
            change();
        } finally {
            lock.unlock();
        }
    }

    /** Says that something may have changed: a request was cancelled, or is ready again. */
    public void wake() {
        lock.lock();
        try {
            change();
        } finally {
            lock.unlock();
        }
    }

    /** Returns the number of requests that share steps now. */
    public int running() {
        return loop.running();
    }

    /** Returns the number of requests that wait for that, paused ones among them. */
    public int waiting() {
        lock.lock();
        try {
            return Math.max(0, open - loop.running());
        } finally {
            lock.unlock();
        }
    }

    /** Returns how often a sequence has given its memory or place to others, to be calculated again. */
    public long pauses() {
        return loop.pauses();
    }

    /**
     * Returns what this scheduler has done and does. Numbers are each as it was at some moment of the call; sequences
     * may be a step behind.
     */
    public SchedulerFigures figures() {
        long refusals;
        List<SequenceFigures> came;
        lock.lock();
        try {
            refusals = refused;
            came = arrivals.stream().map(each -> each.figures(false)).toList();
        } finally {
            lock.unlock();
        }
        StepCounts counts = loop.counts();
        return new SchedulerFigures(running(), waiting(), refusals, pauses(), counts.steps(), counts.rows(),
                counts.time(), counts.current(), sequences(came));
    }

    /** Returns all requests; those that the loop has not seen yet are the last. */
    private List<SequenceFigures> sequences(List<SequenceFigures> came) {
        List<SequenceFigures> all = new ArrayList<>(loop.sequences());
        Set<Long> seen = all.stream().map(SequenceFigures::number).collect(Collectors.toSet());
        came.stream().filter(each -> !seen.contains(each.number())).forEach(all::add);
        return all;
    }

    private void change() {
        hasChanged = true;
        changed.signal();
    }

    private void ended() {
        lock.lock();
        try {
            open--;
        } finally {
            lock.unlock();
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the model is closed");
        }
    }

    private void run() {
        boolean idle = false;
        while (receive(idle)) {
            try {
                idle = !loop.turn(System.nanoTime());
            } catch (RuntimeException | Error e) {
                // A request's own errors do not come here. Nobody is left waiting for what will not come.
                logger.error("The scheduler failed; all requests end", e);
                loop.failAll(e);
            }
        }
        loop.failAll(new IllegalStateException("the model is closed"));
        memory.close();
    }

    /**
     * Hands requests that have come to the loop.
     *
     * @param idle whether to wait until something changes, or the next deadline comes
     * @return false if the scheduler is closed
     */
    private boolean receive(boolean idle) {
        OptionalLong deadline = idle ? loop.nextDeadline() : OptionalLong.empty();
        lock.lock();
        try {
            long left = nanosTo(deadline);
            while (idle && !hasChanged && left > 0) {
                try {
                    left = changed.awaitNanos(left);
                } catch (InterruptedException _) {
                    left = nanosTo(deadline); // the thread ends when the scheduler is closed
                }
            }
            hasChanged = false;
            arrivals.forEach(loop::add);
            arrivals.clear();
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    private static long nanosTo(OptionalLong deadline) {
        return deadline.isPresent() ? deadline.getAsLong() - System.nanoTime() : Long.MAX_VALUE;
    }

    /** Waits for a running step; then all requests that have not ended fail with an {@link IllegalStateException}. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            change();
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
