// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.families.FamilyModels;
import io.github.chaijlama.families.ScalarTransformer;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Layers with a sliding window give back what nothing can reach any more. */
@Tag("operators")
class SlidingWindowTests {
    private static final int WINDOW = 12;
    private static final int LENGTH = 400;

    @TempDir
    static Path directory;
    private static Path path;
    private static ChaiModel model;
    private static int[] tokens;

    @BeforeAll
    static void load() {
        path = FamilyModels.write(directory, "mistral-window", Map.of("max_position_embeddings", 512));
        model = ChaiModel.load(path, TestOperators.exact());
        tokens = TestModels.tokens(LENGTH, model.config().vocabularySize(), 3);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static float[] feed(ChaiSession session, int from, int end, int batch) {
        float[] logits = null;
        for (int at = from; at < end; at += batch) {
            logits = session.feed(Arrays.copyOfRange(tokens, at, Math.min(end, at + batch)));
        }
        return logits;
    }

    /** A page holds 64 positions of this model: two hold a window and what it may be cut back by, wherever it is. */
    @ParameterizedTest
    @ValueSource(ints = { 1, 7, 32 })
    void memoryDoesNotGrowWithTheSequence(int batch) {
        try (ChaiSession session = model.newSession()) {
            feed(session, 0, 64, batch);
            long ofOnePage = session.kvCacheAllocatedBytes();
            float[] logits = feed(session, 64, LENGTH, batch);
            assertThat(session.kvCacheAllocatedBytes()).isLessThanOrEqualTo(2 * ofOnePage);
            assertThat(session.kvCacheBytes()).isLessThanOrEqualTo(2 * ofOnePage);
            assertThat(model.kvCacheAllocatedBytes()).isEqualTo(session.kvCacheAllocatedBytes());
            assertThat(TestModels.maxDifference(logits, new ScalarTransformer(path).logits(tokens, null)))
                    .isLessThan(3e-4);
        }
        assertThat(model.kvCacheAllocatedBytes()).isZero();
    }

    @Test
    void clusteredSequencesGiveBackTheSame() {
        ClusterProfile online = SessionFixtures.online(model, 5, 3, 3, 3);
        ClusterProfile prompt = new ClusterProfile(model.config().shape(), List.of(3, 3, 3),
                new Membership.Prompt(ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST));
        for (ClusterProfile profile : List.of(TestModels.randomStatic(model.config().shape(), 1), online, prompt)) {
            try (ChaiSession session = model.newSession(profile)) {
                feed(session, 0, 60, 7);
                session.endPrompt();
                long ofOnePage = session.kvCacheAllocatedBytes();
                float[] cut = feed(session, 60, LENGTH, 7);
                assertThat(session.kvCacheAllocatedBytes()).isLessThanOrEqualTo(2 * ofOnePage);
                try (ChaiSession other = model.newSession(profile)) {
                    feed(other, 0, 60, 60);
                    other.endPrompt();
                    assertThat(TestModels.maxDifference(feed(other, 60, LENGTH, 340), cut)).isLessThan(1e-4);
                }
            }
        }
    }

    @Test
    void aSequenceCanBeCutBackAndCopiedByItsWindowAndNotWhereItWasForgotten() {
        try (ChaiSession session = model.newSession(); ChaiSession other = model.newSession()) {
            float[] expected = feed(other, 0, LENGTH, 50);
            feed(session, 0, LENGTH - WINDOW, 1);
            feed(session, 0, WINDOW, 1); // something else
            assertThat(session.isReusable(LENGTH - WINDOW)).isTrue();
            assertThat(session.isReusable(70)).isFalse();
            assertThatThrownBy(() -> session.truncate(70)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("cannot be cut to 70: what layers with a sliding window saw then");
            assertThatThrownBy(() -> session.copy(70)).isInstanceOf(IllegalArgumentException.class);
            try (ChaiSession copy = session.copy(LENGTH - WINDOW)) {
                session.truncate(LENGTH - WINDOW);
                assertThat(TestModels.maxDifference(feed(session, LENGTH - WINDOW, LENGTH, 5), expected))
                        .isLessThan(1e-4);
                assertThat(TestModels.maxDifference(feed(copy, LENGTH - WINDOW, LENGTH, 1), expected))
                        .isLessThan(1e-4);
            }
            session.truncate(0);
            assertThat(TestModels.maxDifference(feed(session, 0, LENGTH, 50), expected)).isLessThan(1e-4);
        }
    }

    /** What another one waits for can be copied after the step that brings it, and not when it is forgotten. */
    @Test
    void whatIsSeenNextCanBeCopiedUntilTheWindowHasLeftIt() {
        try (ChaiSession session = model.newSession(); ChaiSession other = model.newSession()) {
            feed(session, 0, 150, 30);
            assertThat(session.canBeCopied(200)).isTrue();
            feed(session, 150, 350, 200);
            assertThat(session.canBeCopied(200)).isTrue();
            assertThat(session.isReusable(200)).isTrue();
            feed(session, 350, 351, 1);
            assertThat(session.canBeCopied(200)).isFalse();
            assertThat(session.isReusable(200)).isFalse();
            try (ChaiSession copy = session.copy(351)) {
                // Each goes on, forgets pages that the other has, and returns what nobody has any more.
                float[] expected = feed(other, 0, LENGTH, 50);
                assertThat(TestModels.maxDifference(feed(copy, 351, LENGTH, 7), expected)).isLessThan(1e-4);
                assertThat(TestModels.maxDifference(feed(session, 351, LENGTH, 1), expected)).isLessThan(1e-4);
            }
        }
        assertThat(model.kvCacheAllocatedBytes()).isZero();
    }
}
