// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

import io.github.chaijlama.parallel.WorkerPool;

/**
 * Measures what the machine can give, as a yardstick for what attention gets: multiply-adds in registers, and reading a
 * buffer well larger than the caches, each on all threads at once. A measurement is the best of its rounds: whatever
 * disturbs a round makes it slower.
 */
final class PeakMeter implements AutoCloseable {
    private static final long LEAST_BUFFER = 256L << 20;
    private static final long MOST_BUFFER = 1L << 30;
    private static final int TASK_BYTES = 1 << 20;
    private static final int TASK_STEPS = 1 << 17;
    private static final int WARM_UP_CALLS = 20_000;
    private static final int WARM_UP_STEPS = 16;
    private static final int WARM_UP_BYTES = 1 << 11;
    private static final int TASKS_PER_THREAD = 8;
    private static final long NANOS = 200_000_000;

    private final WorkerPool workers;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer;
    private final OptionalLong lastLevelCache = LastLevelCache.bytes();
    private final float[] sink;
    private final List<Double> gflops = new ArrayList<>();
    private final List<Double> gigabytes = new ArrayList<>();

    /** Creates a meter; {@link #close} gives its threads and memory back. */
    PeakMeter(int threads) {
        this.workers = new WorkerPool(threads);
        this.sink = new float[threads];
        long bytes = Math.clamp(2 * MachinePeaks.CACHES * lastLevelCache.orElse(0), LEAST_BUFFER, MOST_BUFFER);
        this.buffer = arena.allocate(bytes / TASK_BYTES * TASK_BYTES, 64);
        buffer.fill((byte) 1); // pages that nobody wrote are all the same one
        warmUp();
    }

    /** Short calls, many of them: a long one would be interpreted to its end. */
    private void warmUp() {
        for (int i = 0; i < WARM_UP_CALLS; i++) {
            sink[0] += VectorPeak.multiplyAdd(WARM_UP_STEPS) + VectorPeak.sum(buffer, 0, WARM_UP_BYTES);
        }
    }

    /** Measures once more, less than a second. */
    void measure() {
        int arithmetic = workers.threads() * TASKS_PER_THREAD;
        gflops.add(best((double) arithmetic * VectorPeak.operations(TASK_STEPS), () -> workers.run(arithmetic,
                (task, worker) -> sink[worker] += VectorPeak.multiplyAdd(TASK_STEPS))));
        int blocks = (int) (buffer.byteSize() / TASK_BYTES);
        gigabytes.add(
                best((double) buffer.byteSize(), () -> workers.run(blocks, (task, worker) -> sink[worker] += VectorPeak
                        .sum(buffer, (long) task * TASK_BYTES, TASK_BYTES))));
    }

    /** Returns the best rate of some rounds, in 1e9 a second. */
    private static double best(double amount, Runnable round) {
        long shortest = Long.MAX_VALUE;
        long begin = System.nanoTime();
        do {
            long start = System.nanoTime();
            round.run();
            shortest = Math.min(shortest, System.nanoTime() - start);
        } while (System.nanoTime() - begin < NANOS);
        return amount / shortest;
    }

    /** Returns what was measured so far, at least once. */
    MachinePeaks peaks() {
        return new MachinePeaks(Spread.of(gflops), Spread.of(gigabytes), buffer.byteSize(), lastLevelCache);
    }

    @Override
    public void close() {
        workers.close();
        arena.close();
    }
}
