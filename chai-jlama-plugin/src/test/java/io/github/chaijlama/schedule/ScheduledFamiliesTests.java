// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.Operators;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.prefix.PrefixCache;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Models with sliding windows, which forget, and with other angles for long sequences, which calculate anew: requests
 * that share steps, beginnings and too little memory, and are guessed, give the bits that each gives alone;
 * also with Q4, where rows of prompts have an order of sums of their own.
 */
class ScheduledFamiliesTests {
    private static final int COMMON = 100;
    private static final int REQUESTS = 10;
    /** So few sequences of the greatest length fit into memory that is short. */
    private static final int FEW = 3;

    /** A request that takes a token that depends on all logits, and keeps these. */
    private static final class Request implements Generation {
        private final int[] prompt;
        private final int wanted;
        private final AttentionMode attention;
        private final List<float[]> logits = new ArrayList<>();
        private final CountDownLatch end = new CountDownLatch(1);
        private volatile int reused;
        private volatile AnswerSteps counts = AnswerSteps.NONE;
        /** What will come, for guesses of which some are wrong. */
        private int[] known = {};
        private volatile Optional<Throwable> failure = Optional.empty();

        Request(int[] prompt, int wanted, AttentionMode attention) {
            this.prompt = prompt;
            this.wanted = wanted;
            this.attention = attention;
        }

        Request again(List<float[]> expected) {
            Request again = new Request(prompt, wanted, attention);
            again.known = IntStream.range(0, wanted).map(i -> token(expected.get(i), i + 1)).toArray();
            return again;
        }

        @Override
        public int[] guess(int most) {
            int[] guess = Arrays.copyOfRange(known, logits.size(), Math.min(wanted, logits.size() + most));
            int wrong = logits.size() % 7;
            if (wrong < guess.length) {
                guess[wrong] = (guess[wrong] + 1) % logits.getFirst().length;
            }
            return guess;
        }

        void assertGives(List<float[]> expected, String what) throws InterruptedException {
            assertThat(end.await(60, TimeUnit.SECONDS)).isTrue();
            assertThat(failure).isEmpty();
            assertThat(logits).hasSize(wanted).hasSameSizeAs(expected);
            for (int token = 0; token < wanted; token++) {
                assertThat(Arrays.equals(logits.get(token), expected.get(token)))
                        .as("%s, token %s of the answer", what, token).isTrue();
            }
        }

        @Override
        public int[] prompt() {
            return prompt;
        }

        @Override
        public AttentionMode attention() {
            return attention;
        }

        @Override
        public boolean isCancelled() {
            return false;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public int[] next(float[] row) {
            logits.add(row);
            return logits.size() == wanted ? new int[0] : new int[]{ token(row, logits.size()) };
        }

        static int token(float[] row, int position) {
            int largest = 0;
            for (int token = 1; token < row.length; token++) {
                largest = row[token] > row[largest] ? token : largest;
            }
            return (largest + position) % row.length;
        }

        @Override
        public void finished(SequenceUse use) {
            reused = use.reusedTokens();
            counts = use.counts();
            end.countDown();
        }

        @Override
        public void cancelled(SequenceUse use) {
            throw new AssertionError("nobody has cancelled");
        }

        @Override
        public void failed(Throwable error) {
            failure = Optional.of(error);
            end.countDown();
        }
    }

    private static ChaiModel load(String family, WeightType weights, long budget) {
        Path directory = GoldenCases.directory("families/" + family);
        return ChaiModel.load(directory, ChaiOptions.clustered(online(ModelConfig.read(directory)))
                .with(change -> change.operators(Operators.VECTOR).weights(weights).threads(2)
                        .kvCacheMaxBytes(budget)));
    }

    private static ClusterProfile online(ModelConfig config) {
        int clusters = Math.max(1, config.numberOfHeads() / 2);
        return new ClusterProfile(config.shape(), Collections.nCopies(config.layers(), clusters),
                new Membership.Online(17, 2, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID));
    }

    /** Prompts that begin alike, but the last three; some end before the angles change, and some behind. */
    private static List<Request> requests(ChaiModel model, AttentionMode attention) {
        int vocabulary = model.config().vocabularySize();
        int[] common = TestModels.tokens(COMMON, vocabulary, 1);
        List<Request> requests = new ArrayList<>();
        for (int number = 0; number < REQUESTS; number++) {
            boolean alike = number < REQUESTS - 3;
            int[] prompt = TestModels.tokens(alike ? COMMON + 10 + 5 * number : 25 + 15 * (REQUESTS - 1 - number),
                    vocabulary, number + 2);
            if (alike) {
                System.arraycopy(common, 0, prompt, 0, COMMON);
            }
            requests.add(new Request(prompt, 60 + 3 * number, attention));
        }
        return requests;
    }

    private static List<float[]> alone(ChaiModel model, Request request) {
        List<float[]> logits = new ArrayList<>();
        try (ChaiSession session = model.newSession(request.attention())) {
            session.beginPrompt();
            logits.add(session.feed(request.prompt()));
            session.endPrompt();
            while (logits.size() < request.wanted) {
                logits.add(session.feed(Request.token(logits.getLast(), logits.size())));
            }
        }
        return logits;
    }

    private static long bytesOf(String family, int tokens) {
        try (ChaiModel model = load(family, WeightType.STORED, 1L << 28);
                ChaiSession session = model.newSession(AttentionMode.EXACT)) {
            session.feed(new int[tokens]);
            return session.kvCacheAllocatedBytes();
        }
    }

    @ParameterizedTest
    @CsvSource({ "gemma3_text, EXACT, STORED", "gemma3_text, CLUSTERED, STORED", "gpt_oss, EXACT, STORED",
            "gpt_oss, CLUSTERED, STORED", "phi3_partial, EXACT, STORED", "phi3_partial, CLUSTERED, STORED",
            "gemma4_text, EXACT, STORED", "gemma4_text, CLUSTERED, Q4", "gemma4, CLUSTERED, STORED",
            "gemma4_shared, EXACT, STORED", "gemma4_shared, CLUSTERED, STORED", "gemma4_moe, CLUSTERED, STORED",
            "ministral3, EXACT, STORED", "qwen3, EXACT, STORED", "qwen3, EXACT, Q4", "gemma3_text, CLUSTERED, Q4" })
    void requestsTogetherAreAsIfEachWereAlone(String family, AttentionMode attention, WeightType weights)
            throws Exception {
        List<Request> twins;
        List<List<float[]>> expected;
        try (ChaiModel model = load(family, weights, 1L << 28)) {
            twins = requests(model, attention);
            expected = twins.stream().map(request -> alone(model, request)).toList();
        }
        long ofOne = bytesOf(family, 250);
        for (int fitting : new int[]{ FEW, 2 * REQUESTS }) {
            List<Request> requests = IntStream.range(0, REQUESTS)
                    .mapToObj(number -> twins.get(number).again(expected.get(number))).toList();
            try (ChaiModel model = load(family, weights, fitting * ofOne);
                    PrefixCache cache = new PrefixCache(model, 4);
                    Scheduler scheduler = Scheduler.start(cache,
                            SchedulerLimits.DEFAULT.withRequests(8, 100).withTokens(72, 16))) {
                requests.forEach(scheduler::submit);
                for (int number = 0; number < REQUESTS; number++) {
                    requests.get(number).assertGives(expected.get(number), "request " + number);
                }
                assertThat(scheduler.pauses() > 0).as("paused").isEqualTo(fitting == FEW);
                assertThat(requests.stream().mapToInt(request -> request.reused).sum()).as("tokens reused")
                        .isGreaterThan(COMMON);
                int right = requests.stream().mapToInt(request -> request.counts.rightGuesses()).sum();
                assertThat(right).as("right guesses").isGreaterThan(REQUESTS);
                assertThat(requests.stream().mapToInt(request -> request.counts.guessedTokens()).sum())
                        .as("guesses").isGreaterThan(right + REQUESTS);
                cache.clear();
                assertThat(model.kvCacheAllocatedBytes()).isZero();
            }
        }
    }
}
