// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.families.ScalarTransformer;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.profile.ClusterProfile;

import static io.github.chaijlama.SessionFixtures.GQA;
import static io.github.chaijlama.SessionFixtures.MHA;
import static io.github.chaijlama.SessionFixtures.ROW_BYTES;
import static io.github.chaijlama.SessionFixtures.feed;
import static io.github.chaijlama.SessionFixtures.online;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What a session computes, however it came to its tokens: fed in pieces, cut back or copied. */
@Timeout(300)
class ChaiSessionTests {
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
                ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(48 * 128 * ROW_BYTES)));
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
}
