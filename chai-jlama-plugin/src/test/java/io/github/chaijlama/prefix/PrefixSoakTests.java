// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.prefix;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.ModelShape;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Random requests that share beginnings, on several threads, in as little memory as they need without the cache: every
 * one is served, with the numbers of a session of its own.
 */
class PrefixSoakTests {
    private static final int MAX_LENGTH = 150;
    /** Two pages of 128 rows of 16 floats, for keys and values of 8 heads in 3 layers. */
    private static final long SEQUENCE_BYTES = 2 * 48 * 128 * 16 * 4L;

    @ParameterizedTest
    @CsvSource({ "ONLINE, 1, 1", "ONLINE, 3, 2", "STATIC, 1, 8", "STATIC, 2, 3" })
    @Timeout(300)
    void oneHundredSteps(String membership, int threads, int maxIdle) throws Exception {
        run(membership, threads, maxIdle, 100);
    }

    @ParameterizedTest
    @CsvSource({ "ONLINE, 1, 1", "ONLINE, 1, 8", "ONLINE, 3, 2", "ONLINE, 8, 16", "STATIC, 1, 8", "STATIC, 4, 3" })
    @Tag("long")
    @Timeout(1800)
    void oneThousandSteps(String membership, int threads, int maxIdle) throws Exception {
        run(membership, threads, maxIdle, 1000);
    }

    private static void run(String membership, int threads, int maxIdle, int steps) throws Exception {
        ModelShape shape;
        try (ChaiModel model = ChaiModel.load(GoldenCases.directory("mha"), ChaiOptions.exact())) {
            shape = model.config().shape();
        }
        ClusterProfile profile = membership.equals("ONLINE") ? PrefixCacheTests.online(shape)
                : TestModels.randomStatic(shape, 3);
        ChaiOptions options = ChaiOptions.clustered(profile);
        try (ChaiModel reference = ChaiModel.load(GoldenCases.directory("mha"), options);
                ChaiModel model = ChaiModel.load(GoldenCases.directory("mha"),
                        options.with(change -> change.kvCacheMaxBytes(threads * SEQUENCE_BYTES)));
                PrefixCache cache = new PrefixCache(model, maxIdle);
                ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            Requests requests = new Requests(reference, model, cache);
            List<Future<?>> users = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                SplittableRandom random = new SplittableRandom(31L * steps + thread);
                users.add(executor.submit(() -> {
                    for (int step = 0; step < steps / threads; step++) {
                        requests.serve(random);
                    }
                }));
            }
            for (Future<?> user : users) {
                user.get();
            }
            assertThat(cache.size()).isLessThanOrEqualTo(maxIdle);
            assertThat(requests.reused.get()).as("requests that found something").isGreaterThan(steps / 10);
            cache.clear();
            assertThat(model.kvCacheAllocatedBytes()).isZero();
        }
    }

    /** Requests and what they should get. */
    private static final class Requests {
        private final ChaiModel reference;
        private final ChaiModel model;
        private final PrefixCache cache;
        private final Map<List<Object>, float[]> expected = new ConcurrentHashMap<>();
        private final AtomicInteger reused = new AtomicInteger();

        Requests(ChaiModel reference, ChaiModel model, PrefixCache cache) {
            this.reference = reference;
            this.model = model;
            this.cache = cache;
        }

        void serve(SplittableRandom random) {
            if (random.nextInt(20) == 0) {
                // Somebody who does not know the cache, and takes all the memory of a request.
                try (ChaiSession session = model.newSession(AttentionMode.EXACT)) {
                    session.feed(TestModels.tokens(MAX_LENGTH, 256, random.nextInt()));
                }
                return;
            }
            AttentionMode attention = random.nextInt(3) == 0 ? AttentionMode.EXACT : AttentionMode.CLUSTERED;
            int[] prompt = prompt(random);
            int end = random.nextInt(5) == 0 ? random.nextInt(prompt.length) : prompt.length; // some are cancelled
            try (PrefixSession session = cache.open(attention, prompt)) {
                if (session.reusedTokens() > 0) {
                    reused.incrementAndGet();
                }
                float[] logits = null;
                for (int from = session.length(); from < end;) {
                    int to = Math.min(end, from + 1 + random.nextInt(random.nextBoolean() ? 8 : MAX_LENGTH));
                    logits = session.feed(Arrays.copyOfRange(prompt, from, to));
                    from = to;
                }
                if (logits != null) {
                    assertThat(TestModels.maxDifference(logits, expected(attention, Arrays.copyOf(prompt, end))))
                            .isLessThan(1e-4);
                }
            }
        }

        /** One of a few texts, as far as some place, and another one from there. */
        private static int[] prompt(SplittableRandom random) {
            int length = 1 + random.nextInt(MAX_LENGTH);
            int fork = random.nextInt(4) * 8 * random.nextInt(5);
            int[] first = TestModels.tokens(MAX_LENGTH, 256, 100 + random.nextInt(2));
            int[] second = TestModels.tokens(MAX_LENGTH, 256, 200 + random.nextInt(2));
            return IntStream.range(0, length).map(i -> i < fork ? first[i] : second[i]).toArray();
        }

        private float[] expected(AttentionMode attention, int[] tokens) {
            return expected.computeIfAbsent(List.of(attention, Arrays.toString(tokens)), key -> {
                try (ChaiSession session = reference.newSession(attention)) {
                    return session.feed(tokens);
                }
            });
        }
    }
}
