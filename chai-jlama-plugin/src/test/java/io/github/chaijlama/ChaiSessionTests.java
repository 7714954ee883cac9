// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.families.ScalarTransformer;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.kv.KvCacheTooSmallException;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;
import io.github.chaijlama.profile.ProfileException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@Timeout(300)
class ChaiSessionTests {
    private static final Path MHA = GoldenCases.directory("mha");
    private static final Path GQA = GoldenCases.directory("gqa");
    private static final int ROW = 16 * Float.BYTES;

    private static ClusterProfile online(ChaiModel model, int window, int offset, ClusteringAlgorithm algorithm,
            RepresentativeChoice choice, Integer... clusters) {
        return new ClusterProfile(model.config().shape(), List.of(clusters),
                new Membership.Online(window, offset, algorithm, choice));
    }

    private static ClusterProfile online(ChaiModel model, int window, Integer... clusters) {
        return online(model, window, 0, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST, clusters);
    }

    private static float[] feed(ChaiSession session, int[] tokens, int... cuts) {
        float[] logits = null;
        int from = 0;
        for (int i = 0; from < tokens.length; i++) {
            int count = Math.min(cuts[i % cuts.length], tokens.length - from);
            logits = session.feed(Arrays.copyOfRange(tokens, from, from + count));
            from += count;
        }
        return logits;
    }

    @ParameterizedTest
    @CsvSource({ "AGGLOMERATIVE, FIRST, 5, 0", "AGGLOMERATIVE, MEDOID, 16, 0", "KMEANS, FIRST, 5, 0",
            "KMEANS, MEDOID, 7, 0", "AGGLOMERATIVE, FIRST, 1, 0", "AGGLOMERATIVE, MEDOID, 5, 4",
            "KMEANS, FIRST, 40, 3" })
    void howThePromptIsCutMakesNoDifference(ClusteringAlgorithm algorithm, RepresentativeChoice choice, int window,
            int offset) {
        for (Path directory : List.of(MHA, GQA)) {
            try (ChaiModel model = ChaiModel.load(directory, ChaiOptions.exact())) {
                ClusterProfile profile = online(model, window, offset, algorithm, choice, 6, 4, 2);
                int[] tokens = TestModels.tokens(90, 256, window);
                try (ChaiSession whole = model.newSession(profile)) {
                    float[] expected = whole.feed(tokens);
                    for (int[] cuts : new int[][]{ { 1 }, { 2 }, { 3, 1 }, { 4, 64 }, { 6, 5, 80 }, { 33 } }) {
                        try (ChaiSession cut = model.newSession(profile)) {
                            float[] logits = feed(cut, tokens, cuts);
                            assertThat(TestModels.maxDifference(logits, expected)).isLessThan(1e-4);
                            for (int layer = 0; layer < 3; layer++) {
                                assertThat(cut.clusters(layer)).isEqualTo(whole.clusters(layer));
                            }
                            assertThat(cut.kvCacheBytes()).isEqualTo(whole.kvCacheBytes());
                        }
                    }
                }
            }
        }
    }

    @Test
    void aSessionCutBackGoesOnAsIfTheRestHadNeverBeenFed() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact())) {
            int[] tokens = TestModels.tokens(50, 256, 6);
            ClusterProfile profile = online(model, 5, 6, 4, 2);
            try (ChaiSession cut = model.newSession(profile); ChaiSession fresh = model.newSession(profile)) {
                cut.feed(tokens);
                long bytes = cut.kvCacheBytes();
                cut.feed(TestModels.tokens(200, 256, 7));
                cut.truncate(50);
                assertThat(cut.length()).isEqualTo(50);
                assertThat(cut.kvCacheBytes()).isEqualTo(bytes);
                fresh.feed(tokens);
                assertThat(cut.feed(9, 8)).isEqualTo(fresh.feed(9, 8));
                assertThatThrownBy(() -> cut.truncate(4)).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> cut.truncate(53)).isInstanceOf(IllegalArgumentException.class);
                cut.truncate(0);
                assertThat(cut.clusters(2).numberOfClusters()).isEqualTo(8);
                assertThat(cut.length()).isZero();
            }
        }
    }

    @Test
    void logitsOfAllTokensAreThoseOfEveryToken() {
        for (ChaiOptions options : List.of(ChaiOptions.exact(), ChaiOptions.stock())) {
            try (TokenModel model = TokenModel.load(MHA, options)) {
                int[] tokens = TestModels.tokens(300, 256, 4);
                try (TokenSession together = model.newSession(); TokenSession single = model.newSession()) {
                    float[][] logits = new float[300][];
                    System.arraycopy(together.feedAll(Arrays.copyOf(tokens, 7)), 0, logits, 0, 7);
                    System.arraycopy(together.feedAll(Arrays.copyOfRange(tokens, 7, 300)), 0, logits, 7, 293);
                    for (int i = 0; i < 300; i++) {
                        assertThat(TestModels.maxDifference(logits[i], single.feed(tokens[i]))).as("token %d", i)
                                .isLessThan(1e-4);
                    }
                    assertThat(together.length()).isEqualTo(300);
                }
            }
        }
    }

    @Test
    void logitsOfAllTokensAreThoseOfEveryTokenAcrossTheWindowToo() {
        try (ChaiModel model = ChaiModel.load(GQA, ChaiOptions.exact())) {
            int[] tokens = TestModels.tokens(80, 256, 5);
            ClusterProfile profile = online(model, 5, 6, 4, 2);
            try (ChaiSession together = model.newSession(profile); ChaiSession single = model.newSession(profile)) {
                float[][] logits = together.feedAll(tokens);
                for (int i = 0; i < 80; i++) {
                    assertThat(TestModels.maxDifference(logits[i], single.feed(tokens[i]))).as("token %d", i)
                            .isLessThan(1e-4);
                }
            }
        }
    }

    @Test
    void everyHeadItsOwnClusterIsExact() {
        try (ChaiModel model = ChaiModel.load(GQA, ChaiOptions.exact())) {
            int[] tokens = TestModels.tokens(60, 256, 1);
            try (ChaiSession exact = model.newSession();
                    ChaiSession same = model.newSession(online(model, 5, 8, 8, 8))) {
                assertThat(same.feed(tokens)).isEqualTo(exact.feed(tokens));
                assertThat(same.kvCacheBytes()).isEqualTo(exact.kvCacheBytes());
            }
        }
    }

    @Test
    void keyBytesFollowTheFormulaAndFallRightAfterTheWindow() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact());
                ChaiSession session = model.newSession(online(model, 5, 8, 4, 3))) {
            int[] tokens = TestModels.tokens(300, 256, 2);
            for (int length = 1; length <= 300; length++) {
                session.feed(tokens[length - 1]);
                int keyHeads = length < 5 ? 24 : 8 + 4 + 3;
                assertThat(session.kvCacheBytes()).as("%d tokens", length).isEqualTo((keyHeads + 24L) * length * ROW);
                long pages = (length + 127) / 128;
                assertThat(session.kvCacheAllocatedBytes()).isEqualTo((keyHeads + 24L) * pages * 128 * ROW);
                assertThat(model.kvCacheAllocatedBytes()).isEqualTo(session.kvCacheAllocatedBytes());
            }
        }
    }

    @Test
    void groupedQueryKeysAreDroppedOnlyWhenNoRepresentativeUsesThem() {
        try (ChaiModel model = ChaiModel.load(GQA, ChaiOptions.exact())) {
            for (int seed = 0; seed < 20; seed++) {
                ClusterProfile profile = TestModels.randomStatic(model.config().shape(), seed);
                try (ChaiSession session = model.newSession(profile)) {
                    session.feed(TestModels.tokens(10, 256, seed));
                    long heads = 0;
                    for (int layer = 0; layer < 3; layer++) {
                        heads += 2 + Arrays.stream(session.clusters(layer).representatives()).map(head -> head / 4)
                                .distinct().count();
                    }
                    assertThat(session.kvCacheBytes()).isEqualTo(heads * 10 * ROW);
                }
            }
        }
    }

    @Test
    void theWholeContextIsUsableToTheLastPosition(@TempDir Path directory) {
        Path small = TestModels.random(directory, TestModels.shape(64, 128, 4, 2), 96, "F32");
        ScalarTransformer reference = new ScalarTransformer(small);
        int[] tokens = TestModels.tokens(96, 256, 3);
        try (ChaiModel model = ChaiModel.load(small, ChaiOptions.exact()); ChaiSession session = model.newSession()) {
            session.feed(Arrays.copyOf(tokens, 90));
            float[] logits = null;
            for (int i = 90; i < 96; i++) {
                logits = session.feed(tokens[i]);
            }
            assertThat(TestModels.maxDifference(logits, reference.logits(tokens, null))).isLessThan(1e-4);
            assertThat(session.remaining()).isZero();
            assertThatThrownBy(() -> session.feed(1)).isInstanceOf(ContextLengthException.class)
                    .hasMessage("the model's context holds 96 tokens, this sequence would have 97");
            assertThat(session.length()).isEqualTo(96);
        }
    }

    @Test
    void impossibleTokensAreRefused() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact()); ChaiSession session = model.newSession()) {
            assertThatThrownBy(session::feed).hasMessage("there is no token to feed");
            assertThatThrownBy(() -> session.feed(1, 256)).hasMessage("tokens must be 0 to 255, found 256");
            assertThatThrownBy(() -> session.feed(-1)).hasMessage("tokens must be 0 to 255, found -1");
            assertThat(session.length()).isZero();
        }
    }

    // ---- budget ----

    @Test
    void aFullBudgetFailsTheRequestThatNeedsMoreAndNoOther() {
        long page = 128 * ROW;
        // Two exact sequences of up to 128 tokens: 3 layers, 8 heads, keys and values.
        ChaiOptions options = ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(2 * 48 * page));
        try (ChaiModel model = ChaiModel.load(MHA, options)) {
            int[] tokens = TestModels.tokens(200, 256, 4);
            ChaiSession first = model.newSession();
            ChaiSession second = model.newSession();
            ChaiSession third = model.newSession();
            first.feed(Arrays.copyOf(tokens, 100));
            second.feed(Arrays.copyOf(tokens, 20));

            assertThatThrownBy(() -> third.feed(1)).isInstanceOfSatisfying(KvCacheFullException.class, e -> {
                assertThat(e.neededBytes()).isEqualTo(48 * page);
                assertThat(e.freeBytes()).isZero();
            });
            assertThatThrownBy(() -> first.feed(Arrays.copyOfRange(tokens, 100, 130)))
                    .isInstanceOf(KvCacheFullException.class);
            assertThat(first.length()).isEqualTo(100);
            first.feed(tokens[100]);
            second.feed(tokens[20]);

            second.close();
            float[] logits = first.feed(Arrays.copyOfRange(tokens, 101, 130));
            first.close();
            third.feed(1);
            third.close();
            assertThat(model.kvCacheAllocatedBytes()).isZero();
            try (ChaiSession alone = model.newSession()) {
                float[] expected = alone.feed(Arrays.copyOf(tokens, 130));
                assertThat(TestModels.maxDifference(logits, expected)).isLessThan(1e-4);
            }
        }
    }

    @Test
    void aClusteredSequenceFitsWhereAnExactOneDoesNot() {
        long page = 128 * ROW;
        try (ChaiModel probe = ChaiModel.load(MHA, ChaiOptions.exact())) {
            ClusterProfile profile = online(probe, 5, 2, 2, 2);
            // Final pages of the clustered sequence, and what one layer holds more while it decides.
            long needed = (3 * (2 + 8) + 6) * page;
            try (ChaiModel model = ChaiModel.load(MHA,
                    ChaiOptions.clustered(profile).with(change -> change.kvCacheMaxBytes(needed)));
                    ChaiSession clustered = model.newSession()) {
                clustered.feed(TestModels.tokens(120, 256, 5));
                assertThat(clustered.kvCacheAllocatedBytes()).isEqualTo(30 * page);
                try (ChaiSession exact = model.newSession(AttentionMode.EXACT)) {
                    assertThatThrownBy(() -> exact.feed(1)).isInstanceOf(KvCacheFullException.class);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 4, 5, 6, 127, 128, 129, 400 })
    void reservationsAreNeverShort(int window) {
        try (ChaiModel model = ChaiModel.load(GQA, ChaiOptions.exact())) {
            for (int[] cuts : new int[][]{ { 1 }, { 126, 1, 1, 1, 300 }, { 128 }, { 3, 200 }, { 700 } }) {
                try (ChaiSession session = model.newSession(online(model, window, 5, 1, 8))) {
                    feed(session, TestModels.tokens(420, 256, window), cuts);
                    assertThat(session.length()).isEqualTo(420);
                }
            }
            assertThat(model.kvCacheAllocatedBytes()).isZero();
        }
    }

    // ---- concurrency and memory ----

    @Test
    void manySessionsAtOnceGiveTheResultsOfOneAfterAnother() throws Exception {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact())) {
            ClusterProfile profile = online(model, 5, 8, 4, 2);
            List<float[]> expected = new ArrayList<>();
            for (int chat = 0; chat < 8; chat++) {
                expected.add(chat(model, profile, chat));
            }
            try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
                List<Future<Boolean>> same = new ArrayList<>();
                for (int chat = 0; chat < 8; chat++) {
                    int number = chat;
                    same.add(threads.submit(() -> {
                        for (int round = 0; round < 50; round++) {
                            if (!Arrays.equals(chat(model, profile, number), expected.get(number))) {
                                return false;
                            }
                        }
                        return true;
                    }));
                }
                for (Future<Boolean> result : same) {
                    assertThat(result.get()).isTrue();
                }
            }
            assertThat(model.kvCacheAllocatedBytes()).isZero();
        }
    }

    /** A prompt and 12 greedy tokens; even chats are exact, odd ones clustered. */
    private static float[] chat(ChaiModel model, ClusterProfile profile, int number) {
        try (ChaiSession session = number % 2 == 0 ? model.newSession() : model.newSession(profile)) {
            float[] logits = session.feed(TestModels.tokens(3 + 7 * number, 256, number));
            for (int i = 0; i < 12; i++) {
                logits = session.feed(TestModels.mostLikely(logits));
            }
            return logits;
        }
    }

    @Test
    void severalModelsLiveSideBySide() {
        try (ChaiModel one = ChaiModel.load(MHA, ChaiOptions.exact().with(change -> change.threads(1)));
                ChaiModel two = ChaiModel.load(GQA, ChaiOptions.exact().with(change -> change.threads(2)));
                ChaiModel three = ChaiModel.load(MHA, ChaiOptions.exact().with(change -> change.threads(2)));
                ChaiSession a = one.newSession();
                ChaiSession b = two.newSession();
                ChaiSession c = three.newSession()) {
            int[] tokens = TestModels.tokens(40, 256, 6);
            float[] first = a.feed(tokens);
            assertThat(TestModels.maxDifference(b.feed(tokens), first)).isGreaterThan(0.1);
            assertThat(c.feed(tokens)).isEqualTo(first);
        }
    }

    @Test
    void closedSessionsAndModelsSaySo() {
        ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact());
        ChaiSession closed = model.newSession();
        closed.feed(1, 2);
        closed.close();
        closed.close();
        assertThatThrownBy(() -> closed.feed(1)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("sequence is closed");
        ChaiSession open = model.newSession();
        open.feed(1, 2);
        model.close();
        model.close();
        assertThatThrownBy(() -> open.feed(1)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("model is closed");
        assertThatThrownBy(model::newSession).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("model is closed");
        open.close();
    }

    // ---- copies ----

    @Test
    void aCopyGoesOnByItself() {
        int[] tokens = TestModels.tokens(200, 256, 8);
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact())) {
            ClusterProfile profile = online(model, 5, 8, 3, 5);
            try (ChaiSession session = model.newSession(profile); ChaiSession fresh = model.newSession(profile)) {
                session.feed(Arrays.copyOf(tokens, 150));
                float[] expected = fresh.feed(Arrays.copyOf(tokens, 140));
                try (ChaiSession copy = session.copy(139)) {
                    assertThat(copy.length()).isEqualTo(139);
                    assertThat(copy.attention()).isEqualTo(AttentionMode.CLUSTERED);
                    session.feed(Arrays.copyOfRange(tokens, 150, 200));
                    assertThat(TestModels.maxDifference(copy.feed(tokens[139]), expected)).isLessThan(1e-4);
                    assertThat(copy.kvCacheAllocatedBytes()).isEqualTo(fresh.kvCacheAllocatedBytes());
                    for (int layer = 0; layer < 3; layer++) {
                        assertThat(copy.clusters(layer)).isEqualTo(fresh.clusters(layer));
                    }
                }
                assertThat(TestModels.maxDifference(session.feed(7),
                        fresh.feed(IntStream.concat(Arrays.stream(tokens, 140, 200), IntStream.of(7)).toArray())))
                        .isLessThan(1e-4);
            }
            assertThat(model.kvCacheAllocatedBytes()).isZero();
        }
    }

    @Test
    void whatCannotBeReusedCannotBeCopied() {
        try (ChaiModel model = ChaiModel.load(MHA,
                ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(48 * 128 * ROW)));
                ChaiSession session = model.newSession(online(model, 5, 8, 3, 5))) {
            session.feed(1, 2, 3, 4);
            assertThat(session.isReusable(4)).isTrue();
            assertThatThrownBy(() -> session.copy(4)).as("nothing is decided yet")
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the first 4 of 4 positions cannot be copied to a sequence of 0");
            session.feed(5, 6, 7);
            for (int length : new int[]{ -1, 0, 4, 8 }) {
                assertThat(session.isReusable(length)).isFalse();
                assertThatThrownBy(() -> session.copy(length)).isInstanceOf(IllegalArgumentException.class);
            }
            assertThatThrownBy(() -> session.copy(6)).isInstanceOf(KvCacheFullException.class);
            assertThat(model.kvCacheAllocatedBytes()).isEqualTo(session.kvCacheAllocatedBytes());
        }
    }

    // ---- modes and profiles ----

    @Test
    void aProfileForAnotherModelIsRefusedBeforeTheWeightsAreRead() {
        ClusterProfile other = new ClusterProfile(new ModelShape("llama", 1, 4, 4, 8), List.of(2),
                Membership.defaults());
        assertThatThrownBy(() -> ChaiModel.load(MHA, ChaiOptions.clustered(other)))
                .isInstanceOf(ProfileException.class).hasMessageContaining("1 layers, 4 heads")
                .hasMessageContaining("3 layers, 8 heads");
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact())) {
            assertThatThrownBy(() -> model.newSession(other)).isInstanceOf(ProfileException.class);
        }
    }

    @Test
    void aSessionCanOnlyHaveAnAttentionItsModelHas() {
        try (ChaiModel exact = ChaiModel.load(MHA, ChaiOptions.exact())) {
            assertThatThrownBy(() -> exact.newSession(AttentionMode.CLUSTERED)).hasMessageContaining("loaded without");
            assertThatThrownBy(() -> exact.newSession(AttentionMode.STOCK))
                    .hasMessage("a model loaded for EXACT attention cannot run a STOCK session");
        }
        assertThatThrownBy(() -> ChaiModel.load(MHA, ChaiOptions.stock())).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Jlama's own attention is that of a StockModel");
    }

    @Test
    void optionsThatContradictEachOtherAreRefused() {
        assertThatThrownBy(() -> ChaiOptions.exact().with(change -> change.attention(AttentionMode.CLUSTERED)))
                .hasMessage("clustered attention needs a cluster profile");
        assertThatThrownBy(() -> ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(0)))
                .hasMessageContaining("at least 1 byte");
        assertThatThrownBy(() -> ChaiOptions.exact().with(change -> change.maxIdleSequences(-1)))
                .hasMessage("idle sequences must be 0 or more, found -1");
        assertThatThrownBy(() -> ChaiOptions.exact().with(change -> change.threads(0)))
                .hasMessageContaining("threads must be 1 to 1024, found 0");
        assertThatThrownBy(() -> ChaiModel.load(MHA, ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(10))))
                .isInstanceOf(KvCacheTooSmallException.class)
                .hasMessage(
                        "the first token of a sequence takes at least 221184 bytes of key/value pages, the budget is "
                                + "10");
    }
}
