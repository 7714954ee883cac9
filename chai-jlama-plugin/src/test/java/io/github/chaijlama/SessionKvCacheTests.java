// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.util.Arrays;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.profile.ClusterProfile;

import static io.github.chaijlama.SessionFixtures.GQA;
import static io.github.chaijlama.SessionFixtures.MHA;
import static io.github.chaijlama.SessionFixtures.ROW_BYTES;
import static io.github.chaijlama.SessionFixtures.feed;
import static io.github.chaijlama.SessionFixtures.online;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** How many bytes of keys and values a session holds, and what happens at the limit. */
@Timeout(300)
class SessionKvCacheTests {
    @Test
    void keyBytesFollowTheFormulaAndFallRightAfterTheWindow() {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact());
                ChaiSession session = model.newSession(online(model, 5, 8, 4, 3))) {
            int[] tokens = TestModels.tokens(300, 256, 2);
            for (int length = 1; length <= 300; length++) {
                session.feed(tokens[length - 1]);
                int keyHeads = length < 5 ? 24 : 8 + 4 + 3;
                assertThat(session.kvCacheBytes()).as("%d tokens", length)
                        .isEqualTo((keyHeads + 24L) * length * ROW_BYTES);
                long pages = (length + 127) / 128;
                assertThat(session.kvCacheAllocatedBytes()).isEqualTo((keyHeads + 24L) * pages * 128 * ROW_BYTES);
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
                    assertThat(session.kvCacheBytes()).isEqualTo(heads * 10 * ROW_BYTES);
                }
            }
        }
    }

    @Test
    void aFullBudgetFailsTheRequestThatNeedsMoreAndNoOther() {
        long page = 128 * ROW_BYTES;
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
        long page = 128 * ROW_BYTES;
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
}
