// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.parallel;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(60)
class WorkerPoolTests {

    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 3, 8 })
    void runsEveryTaskOnce(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            for (int tasks = 0; tasks < 200; tasks++) {
                AtomicIntegerArray runs = new AtomicIntegerArray(Math.max(1, tasks));
                pool.run(tasks, (task, worker) -> runs.incrementAndGet(task));
                for (int task = 0; task < tasks; task++) {
                    assertThat(runs.get(task)).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void noTwoTasksRunUnderOneNumberAtOnce() {
        try (WorkerPool pool = new WorkerPool(4)) {
            Set<Integer> busy = ConcurrentHashMap.newKeySet();
            for (int round = 0; round < 500; round++) {
                pool.run(16, (task, worker) -> {
                    assertThat(worker).isBetween(0, 3);
                    assertThat(busy.add(worker)).isTrue();
                    Thread.onSpinWait();
                    busy.remove(worker);
                });
            }
        }
    }

    @Test
    void usesSeveralThreads() {
        try (WorkerPool pool = new WorkerPool(2)) {
            Set<Thread> threads = ConcurrentHashMap.newKeySet();
            AtomicInteger arrived = new AtomicInteger();
            pool.run(2, (task, worker) -> {
                threads.add(Thread.currentThread());
                arrived.incrementAndGet();
                while (arrived.get() < 2) { // ends only if the other task runs at the same time
                    Thread.onSpinWait();
                }
            });
            assertThat(threads).hasSize(2);
        }
    }

    @Test
    void workersWakeAfterALongPause() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(2)) {
            for (int round = 0; round < 20; round++) {
                Thread.sleep(5);
                AtomicInteger arrived = new AtomicInteger();
                pool.run(2, (task, worker) -> {
                    arrived.incrementAndGet();
                    while (arrived.get() < 2) {
                        Thread.onSpinWait();
                    }
                });
                assertThat(arrived).hasValue(2);
            }
        }
    }

    @Test
    void throwsWhatATaskThrewAfterTheOthersEnded() {
        try (WorkerPool pool = new WorkerPool(3)) {
            AtomicInteger done = new AtomicInteger();
            assertThatThrownBy(() -> pool.run(50, (task, worker) -> {
                done.incrementAndGet();
                if (task == 7) {
                    throw new IllegalArgumentException("task 7");
                }
            })).isInstanceOf(IllegalArgumentException.class).hasMessage("task 7");
            assertThat(done).hasValue(50);
            pool.run(3, (task, worker) -> done.incrementAndGet());
            assertThat(done).hasValue(53);
        }
    }

    @Test
    void regionInsideARegionRunsOnItsCaller() {
        try (WorkerPool pool = new WorkerPool(2)) {
            AtomicInteger inner = new AtomicInteger();
            pool.run(4, (task, worker) -> pool.run(5, (t, w) -> inner.incrementAndGet()));
            assertThat(inner).hasValue(20);
        }
    }

    @Test
    void manyCallersAtOnceEachGetTheirResult() throws Exception {
        try (WorkerPool pool = new WorkerPool(2); ExecutorService callers = Executors.newFixedThreadPool(8)) {
            var results = IntStream.range(0, 200).mapToObj(n -> callers.submit(() -> {
                AtomicInteger sum = new AtomicInteger();
                pool.run(n, (task, worker) -> sum.addAndGet(task));
                return sum.get();
            })).toList();
            for (int n = 0; n < 200; n++) {
                Future<Integer> result = results.get(n);
                assertThat(result.get()).isEqualTo(n * (n - 1) / 2);
            }
        }
    }

    @Test
    void closeEndsItsThreads() throws InterruptedException {
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        WorkerPool pool = new WorkerPool(3);
        pool.run(100, (task, worker) -> threads.add(Thread.currentThread()));
        pool.close();
        for (Thread thread : threads) {
            if (thread != Thread.currentThread()) {
                thread.join(5_000);
                assertThat(thread.isAlive()).isFalse();
            }
        }
        AtomicInteger runs = new AtomicInteger();
        pool.run(10, (task, worker) -> runs.incrementAndGet());
        assertThat(runs).hasValue(10);
    }

    @Test
    void refusesNoThreads() {
        assertThatThrownBy(() -> new WorkerPool(0)).hasMessage("threads must be at least 1, found 0");
    }
}
