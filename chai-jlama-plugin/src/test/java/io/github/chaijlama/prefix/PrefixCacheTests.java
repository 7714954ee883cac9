// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.prefix;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.Operators;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestOperators;
import io.github.chaijlama.blas.TestBlas;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What is reused is what a new session would have calculated, and memory is there for whoever needs it. */
class PrefixCacheTests {
    private static final Path MHA = GoldenCases.directory("mha");
    /** Where {@link #online} decides membership: an offset of 3 and a window of 5. */
    private static final int WINDOW_END = 8;
    /** A page of 128 rows of 16 floats, for keys and values of 8 heads in 3 layers: what up to 128 tokens take. */
    private static final long SEQUENCE_BYTES = 48 * 128 * 16 * 4L;

    static ClusterProfile online(ModelShape shape) {
        return new ClusterProfile(shape, List.of(8, 3, 5), new Membership.Online(WINDOW_END - 3, 3,
                ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID));
    }

    private static ClusterProfile prompt(ModelShape shape) {
        return new ClusterProfile(shape, List.of(8, 3, 5),
                new Membership.Prompt(ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST));
    }

    private static ModelShape shape(Path directory) {
        try (ChaiModel model = ChaiModel.load(directory, ChaiOptions.exact())) {
            return model.config().shape();
        }
    }

    static Stream<ChaiModel> models() {
        return Stream.of("mha", "gqa", "pocket").flatMap(name -> {
            Path directory = name.equals("pocket") ? TestModels.POCKET : GoldenCases.directory(name);
            ModelShape shape = shape(directory);
            List<Integer> counts = IntStream.range(0, shape.layers()).mapToObj(layer -> layer == 0 ? 8 : 3).toList();
            return Stream.of(ChaiOptions.exact(), ChaiOptions.clustered(TestModels.randomStatic(shape, 7)),
                    ChaiOptions.clustered(new ClusterProfile(shape, counts, online(shape(MHA)).membership())))
                    .map(options -> ChaiModel.load(directory, options));
        });
    }

    private static int[] concat(int[] a, int[] b) {
        return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
    }

    /** Feeds what a session has not seen of a prompt, in pieces. */
    private static float[] feed(PrefixSession session, int[] prompt, int piece) {
        float[] logits = null;
        for (int from = session.length(); from < prompt.length; from += piece) {
            logits = session.feed(Arrays.copyOfRange(prompt, from, Math.min(prompt.length, from + piece)));
        }
        return logits;
    }

    /**
     * Reads a prompt with what the cache has of it, and expects what a session of its own gives; returns what was
     * reused.
     */
    private static int read(ChaiModel model, PrefixCache cache, int[] prompt, int piece) {
        try (PrefixSession session = cache.open(model.options().attention(), prompt);
                ChaiSession fresh = model.newSession()) {
            assertThat(session.reusedTokens()).isEqualTo(session.length()).isLessThan(prompt.length);
            float[] logits = feed(session, prompt, piece);
            session.endPrompt();
            float[] expected = fresh.feed(prompt);
            fresh.endPrompt();
            for (int token : new int[]{ 5, 9 }) {
                assertThat(TestModels.maxDifference(logits, expected)).isLessThan(1e-4);
                logits = session.feed(token);
                expected = fresh.feed(token);
            }
            assertThat(TestModels.maxDifference(logits, expected)).isLessThan(1e-4);
            assertThat(session.kvCacheBytes()).hasValue(fresh.kvCacheBytes());
            assertThat(session.length()).isEqualTo(prompt.length + 2);
            return session.reusedTokens();
        }
    }

    /** With BLAS rows of prompts have an order of sums of their own; a session that is reused goes on with it. */
    @Test
    void aReusedSessionReadsAPromptAgain() {
        TestBlas.require();
        try (ChaiModel model = ChaiModel.load(MHA, TestOperators.exact(Operators.BLAS));
                PrefixCache cache = new PrefixCache(model, 4);
                ChaiSession fresh = model.newSession()) {
            int[] prompt = TestModels.tokens(40, 256, 1);
            try (PrefixSession session = cache.open(AttentionMode.EXACT, Arrays.copyOf(prompt, 30))) {
                session.feed(Arrays.copyOf(prompt, 30));
                session.endPrompt();
            }
            try (PrefixSession session = cache.open(AttentionMode.EXACT, prompt)) {
                assertThat(session.reusedTokens()).isEqualTo(30);
                assertThat(session.feed(Arrays.copyOfRange(prompt, 30, 40))).isEqualTo(fresh.feed(prompt));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void whatIsReusedIsWhatWouldHaveBeenCalculated(ChaiModel loaded) {
        try (ChaiModel model = loaded; PrefixCache cache = new PrefixCache(model, 4)) {
            int[] first = TestModels.tokens(170, 256, 1);
            assertThat(read(model, cache, first, 256)).isZero();
            // The next turn: the prompt, the answer (the two tokens that were fed), something new.
            int[] second = concat(concat(first, new int[]{ 5, 9 }), TestModels.tokens(40, 256, 2));
            for (int piece : new int[]{ 64, 7, 1 }) {
                int[] next = Arrays.copyOf(second, second.length - piece);
                assertThat(read(model, cache, next, piece)).isEqualTo(Math.min(172, next.length - 1));
                // An answer that was regenerated, a question that was changed: cut in the middle of a page and at its
                // edge.
                for (int length : new int[]{ 140, 128, 127, 100, WINDOW_END }) {
                    int[] changed = concat(Arrays.copyOf(first, length), new int[]{ (first[length] + 1) % 256, 3 });
                    assertThat(read(model, cache, changed, piece)).isEqualTo(length);
                }
                cache.clear();
                assertThat(read(model, cache, first, 50)).isZero();
            }
            // The very same prompt: its last token is read again.
            assertThat(read(model, cache, first, 256)).isEqualTo(169);
        }
    }

    @Test
    void clustersFromAWindowNeedAPrefixThatCoversIt() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.clustered(online(shape(MHA))));
                PrefixCache cache = new PrefixCache(model, 4)) {
            int[] first = TestModels.tokens(60, 256, 1);
            read(model, cache, first, 60);
            for (int length = 1; length < WINDOW_END; length++) {
                int[] other = concat(Arrays.copyOf(first, length), new int[]{ (first[length] + 1) % 256, 7, 8 });
                cache.clear();
                read(model, cache, first, 60);
                assertThat(read(model, cache, other, 60)).as("common tokens: %s", length).isZero();
            }
            cache.clear();
            // Nothing decided yet: a request that ended within the window is continued, but not cut.
            try (PrefixSession session = cache.open(model.options().attention(), first)) {
                session.feed(Arrays.copyOf(first, WINDOW_END - 2));
            }
            assertThat(read(model, cache, new int[]{ first[0], first[1] + 1, 3, 4 }, 9)).isZero();
            assertThat(read(model, cache, first, 9)).isEqualTo(WINDOW_END - 2);
        }
    }

    @Test
    void clustersFromAPromptAreThoseOfThatPromptAlone() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.clustered(prompt(shape(MHA))));
                PrefixCache cache = new PrefixCache(model, 4)) {
            int[] first = TestModels.tokens(60, 256, 1);
            read(model, cache, first, 60);
            assertThat(cache.size()).isZero();
            assertThat(read(model, cache, concat(first, new int[]{ 5, 9, 4 }), 60)).isZero();
            // Cancelled while the prompt was read: what was read belongs to every prompt that begins so, whole.
            try (PrefixSession session = cache.open(model.options().attention(), first)) {
                session.feed(Arrays.copyOf(first, 33));
            }
            assertThat(read(model, cache, Arrays.copyOf(first, 30), 9)).isZero();
            assertThat(read(model, cache, first, 9)).isEqualTo(33);
        }
    }

    @Test
    void attentionOfAnotherKindIsNotReused() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.clustered(online(shape(MHA))));
                PrefixCache cache = new PrefixCache(model, 4)) {
            int[] prompt = TestModels.tokens(40, 256, 1);
            read(model, cache, prompt, 40);
            try (PrefixSession exact = cache.open(AttentionMode.EXACT, prompt)) {
                assertThat(exact.attention()).isEqualTo(AttentionMode.EXACT);
                assertThat(exact.reusedTokens()).isZero();
            }
            assertThatThrownBy(() -> cache.open(AttentionMode.STOCK, prompt))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        try (StockModel model = StockModel.load(MHA, ChaiOptions.stock());
                Sessions sessions = Sessions.of(model)) {
            for (int i = 0; i < 2; i++) {
                try (RequestSession stock = sessions.open(AttentionMode.STOCK, new int[]{ 1, 2, 3 })) {
                    assertThat(stock.reusedTokens()).isZero();
                    stock.feed(1, 2, 3);
                    stock.endPrompt();
                    assertThat(stock.length()).isEqualTo(3);
                    assertThat(stock.attention()).isEqualTo(AttentionMode.STOCK);
                    assertThat(stock.kvCacheBytes()).isEmpty();
                }
                assertThat(sessions.size()).isZero();
            }
            assertThatThrownBy(() -> sessions.open(AttentionMode.EXACT, new int[]{ 1 }))
                    .hasMessage("a model loaded for STOCK attention cannot run a EXACT session");
        }
    }

    @Test
    void aSessionInUseIsNobodyElses() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact());
                PrefixCache cache = new PrefixCache(model, 4)) {
            int[] prompt = TestModels.tokens(40, 256, 1);
            read(model, cache, prompt, 40);
            try (PrefixSession one = cache.open(model.options().attention(), prompt);
                    PrefixSession two = cache.open(model.options().attention(), prompt)) {
                assertThat(one.reusedTokens()).isEqualTo(39);
                assertThat(two.reusedTokens()).isZero();
                assertThat(TestModels.maxDifference(feed(one, prompt, 1), feed(two, prompt, 9))).isLessThan(1e-4);
            }
            assertThat(cache.size()).isEqualTo(2);
        }
    }

    @Test
    void theBeginningOfAPromptInUseIsCopied() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.clustered(online(shape(MHA))));
                PrefixCache cache = new PrefixCache(model, 4)) {
            int[] common = TestModels.tokens(150, 256, 1);
            int[] first = concat(common, TestModels.tokens(20, 256, 2));
            int[] second = concat(common, TestModels.tokens(30, 256, 3));
            AttentionMode attention = model.options().attention();
            try (PrefixSession one = cache.open(attention, first)) {
                assertThat(cache.isBeingCalculated(attention, second)).isTrue();
                assertThat(cache.isBeingCalculated(AttentionMode.EXACT, second)).isFalse();
                assertThat(cache.isBeingCalculated(attention, Arrays.copyOf(common, 60))).as("not worth it").isFalse();
                one.feed(Arrays.copyOf(first, 100));
                assertThat(cache.isBeingCalculated(attention, second)).as("50 more to come").isTrue();
                assertThat(read(model, cache, second, 7)).as("by who does not wait").isEqualTo(100);
                cache.clear();
                one.feed(Arrays.copyOfRange(first, 100, first.length));
                assertThat(cache.isBeingCalculated(attention, second)).isFalse();
                assertThat(read(model, cache, second, 9)).isEqualTo(150);
                cache.clear();
                // What is an answer to one is a prompt to another, and calculated as such.
                one.endPrompt();
                one.feed(5, 9);
                assertThat(read(model, cache, concat(first, new int[]{ 5, 9, 7 }), 9)).isEqualTo(170);
            }
            assertThat(cache.isBeingCalculated(attention, concat(common, common))).isFalse();
        }
    }

    @Test
    void whoWaitsForABeginningGetsIt() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.clustered(online(shape(MHA))));
                PrefixCache cache = new PrefixCache(model, 4)) {
            AttentionMode attention = model.options().attention();
            for (int length : new int[]{ 64, 100, 127, 150 }) {
                int[] common = TestModels.tokens(length, 256, length);
                int[] first = concat(common, TestModels.tokens(20, 256, 2));
                int[] second = concat(common, TestModels.tokens(30, 256, 3));
                try (PrefixSession one = cache.open(attention, first)) {
                    assertThat(cache.isBeingCalculated(attention, second)).isTrue();
                    while (cache.isBeingCalculated(attention, second)) {
                        one.feed(first[one.length()]);
                    }
                    try (PrefixSession two = cache.open(attention, second)) {
                        assertThat(two.reusedTokens()).as("of %d", length).isEqualTo(one.length())
                                .isGreaterThanOrEqualTo(64);
                    }
                }
                cache.clear();
            }
        }
    }

    @Test
    void conversationsThatBeginAlikeDoNotTakeEachOthersMemory() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.clustered(online(shape(MHA))));
                PrefixCache cache = new PrefixCache(model, 3)) {
            int[] instructions = TestModels.tokens(30, 256, 1);
            int[][] conversations = IntStream.range(0, 3)
                    .mapToObj(i -> concat(instructions, TestModels.tokens(70, 256, 10 + i))).toArray(int[][]::new);
            assertThat(read(model, cache, conversations[0], 99)).isZero();
            assertThat(read(model, cache, conversations[1], 99)).isEqualTo(30);
            assertThat(read(model, cache, conversations[2], 99)).isEqualTo(30);
            assertThat(cache.size()).isEqualTo(3);
            for (int turn = 0; turn < 3; turn++) {
                for (int i = 0; i < 3; i++) {
                    int known = conversations[i].length + 2;
                    conversations[i] = concat(concat(conversations[i], new int[]{ 5, 9 }), new int[]{ 1, 2, turn });
                    assertThat(read(model, cache, conversations[i], 99)).isEqualTo(known);
                }
            }
        }
    }

    // ---- bounds ----

    @Test
    void theSessionUsedLongestAgoIsTheFirstToGo() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact());
                PrefixCache cache = new PrefixCache(model, 2)) {
            int[][] prompts = IntStream.range(0, 3)
                    .mapToObj(i -> concat(new int[]{ i }, TestModels.tokens(20, 256, 20 + i))).toArray(int[][]::new);
            read(model, cache, prompts[0], 99);
            read(model, cache, prompts[1], 99);
            assertThat(read(model, cache, prompts[0], 99)).isEqualTo(20);
            assertThat(read(model, cache, prompts[2], 99)).isZero();
            assertThat(cache.size()).isEqualTo(2);
            assertThat(model.kvCacheAllocatedBytes()).isEqualTo(2 * SEQUENCE_BYTES);
            assertThat(read(model, cache, prompts[0], 99)).isEqualTo(20);
            assertThat(read(model, cache, prompts[1], 99)).as("was the oldest").isZero();
        }
    }

    @Test
    void nothingIsKeptWhereNothingMay() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact());
                PrefixCache cache = new PrefixCache(model, 0)) {
            int[] prompt = TestModels.tokens(20, 256, 1);
            assertThat(read(model, cache, prompt, 99)).isZero();
            assertThat(read(model, cache, prompt, 99)).isZero();
            assertThat(cache.size()).isZero();
            assertThat(model.kvCacheAllocatedBytes()).isZero();
            assertThatThrownBy(() -> new PrefixCache(model, -1))
                    .hasMessage("idle sequences must be 0 or more, found -1");
        }
    }

    @Test
    void closingReturnsAllMemoryAndEndsReuse() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact())) {
            PrefixCache cache = new PrefixCache(model, 4);
            int[] prompt = TestModels.tokens(20, 256, 1);
            read(model, cache, prompt, 99);
            PrefixSession open = cache.open(model.options().attention(), new int[]{ 1, 2 });
            open.feed(1, 2);
            cache.close();
            assertThat(model.kvCacheAllocatedBytes()).isEqualTo(SEQUENCE_BYTES);
            open.feed(3);
            open.close();
            open.close();
            assertThat(cache.size()).isZero();
            assertThat(model.kvCacheAllocatedBytes()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 3 })
    void idleSessionsGiveWayToWhoeverNeedsTheirMemory(int sequences) {
        ChaiOptions options = ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(sequences * SEQUENCE_BYTES));
        try (ChaiModel model = ChaiModel.load(MHA, options); PrefixCache cache = new PrefixCache(model, 8)) {
            for (int i = 0; i < 6; i++) {
                int[] prompt = concat(new int[]{ i }, TestModels.tokens(20, 256, 20 + i));
                try (PrefixSession session = cache.open(model.options().attention(), prompt)) {
                    feed(session, prompt, 99);
                }
                assertThat(cache.size()).isEqualTo(Math.min(i + 1, sequences));
            }
            // Sessions that know nothing of the cache are served as well.
            try (ChaiSession session = model.newSession()) {
                session.feed(1, 2, 3);
                assertThat(cache.size()).isEqualTo(sequences - 1);
            }
        }
    }

    @Test
    void whereTwoDoNotFitTheOldSequenceIsCutAndNotCopied() {
        ChaiOptions options = ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(SEQUENCE_BYTES));
        try (ChaiModel model = ChaiModel.load(MHA, options); PrefixCache cache = new PrefixCache(model, 8)) {
            int[] first = TestModels.tokens(100, 256, 1);
            try (PrefixSession session = cache.open(model.options().attention(), first)) {
                feed(session, first, 99);
            }
            int[] second = concat(Arrays.copyOf(first, 10), TestModels.tokens(80, 256, 2));
            try (PrefixSession session = cache.open(model.options().attention(), second)) {
                assertThat(session.reusedTokens()).isEqualTo(10);
                feed(session, second, 99);
            }
            assertThat(cache.size()).isEqualTo(1);
        }
    }

    @Test
    void aRequestBeyondTheBudgetTakesNothingFromOthers() {
        ChaiOptions options = ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(SEQUENCE_BYTES));
        try (ChaiModel model = ChaiModel.load(MHA, options); PrefixCache cache = new PrefixCache(model, 8)) {
            int[] small = TestModels.tokens(20, 256, 1);
            try (PrefixSession session = cache.open(model.options().attention(), small)) {
                feed(session, small, 99);
            }
            int[] large = TestModels.tokens(200, 256, 2);
            try (PrefixSession session = cache.open(model.options().attention(), large)) {
                assertThatThrownBy(() -> session.feed(large)).isInstanceOfSatisfying(KvCacheFullException.class,
                        e -> assertThat(e.isBeyondBudget()).isTrue());
                assertThat(session.length()).isZero();
            }
            assertThat(cache.size()).isEqualTo(1);
        }
    }

    // ---- failures ----

    @Test
    void whatWasFedBeforeARequestFailedIsOfUse() {
        ChaiOptions options = ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(SEQUENCE_BYTES));
        try (ChaiModel model = ChaiModel.load(MHA, options); PrefixCache cache = new PrefixCache(model, 8)) {
            int[] prompt = TestModels.tokens(140, 256, 1);
            try (PrefixSession session = cache.open(model.options().attention(), prompt)) {
                session.feed(Arrays.copyOf(prompt, 96));
                assertThatThrownBy(() -> session.feed(Arrays.copyOfRange(prompt, 96, 140)))
                        .isInstanceOf(KvCacheFullException.class);
                assertThatThrownBy(() -> session.feed(-1)).isInstanceOf(IllegalArgumentException.class);
            }
            int[] shorter = Arrays.copyOf(prompt, 120);
            float[] logits;
            try (PrefixSession session = cache.open(model.options().attention(), shorter)) {
                assertThat(session.reusedTokens()).isPositive();
                logits = feed(session, shorter, 99);
            }
            cache.clear();
            try (ChaiSession fresh = model.newSession()) {
                assertThat(TestModels.maxDifference(logits, fresh.feed(shorter))).isLessThan(1e-4);
            }
        }
    }

    @Test
    void aSessionWhoseModelIsClosedIsNotKept() {
        ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact());
        PrefixCache cache = new PrefixCache(model, 8);
        PrefixSession session = cache.open(model.options().attention(), new int[]{ 1, 2 });
        session.feed(1);
        model.close();
        assertThatThrownBy(() -> session.feed(2)).isInstanceOf(IllegalStateException.class);
        session.close();
        assertThat(cache.size()).isZero();
    }
}
