// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ProductMemoryTests {
    private static final int ROUNDS = 3_000;

    /** Two who close a model at the same time meet here. */
    @Test
    void twoMayCloseItAtTheSameTime() throws Exception {
        ProductMemory[] memories = Stream.generate(ProductMemory::new).limit(ROUNDS).toArray(ProductMemory[]::new);
        AtomicInteger arrived = new AtomicInteger();
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Runnable closing = () -> {
                try {
                    for (int round = 0; round < ROUNDS; round++) {
                        arrived.incrementAndGet();
                        while (arrived.get() < 2 * (round + 1)) {
                            Thread.yield();
                        }
                        memories[round].close();
                    }
                } finally {
                    arrived.set(2 * ROUNDS); // nobody waits for one who has failed
                }
            };
            Future<?> one = threads.submit(closing);
            Future<?> other = threads.submit(closing);
            one.get(); // throws what closing has thrown
            other.get();
        }
    }
}
