// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.kv.KvCacheTooSmallException;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Layers that use the keys and values of earlier ones: four of eight, of which two are used. */
class SharedKeysTests {
    private static final Path DIRECTORY = GoldenCases.directory("families/gemma4_shared");

    @TempDir
    Path directory;

    private static float[] feed(ChaiSession session, int[] tokens, int batch) {
        float[] logits = {};
        for (int from = 0; from < tokens.length; from += batch) {
            logits = session.feed(Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + batch)));
        }
        return logits;
    }

    private static ClusterProfile online(ModelShape shape, int window) {
        return new ClusterProfile(shape, Collections.nCopies(shape.layers(), 1),
                new Membership.Online(window, 0, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID));
    }

    /**
     * Membership that is decided far behind the sliding window, in the middle of a step: the first layers go on, and
     * would forget, before the last ones read what the step's first row sees.
     */
    @Test
    void whatIsReadLaterInAStepIsStillThere() throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode config = (ObjectNode) mapper.readTree(Files.readString(DIRECTORY.resolve("config.json")));
        Files.writeString(directory.resolve("config.json"), config.put("max_position_embeddings", 2048).toString());
        Files.copy(DIRECTORY.resolve("model.safetensors"), directory.resolve("model.safetensors"));
        int[] tokens = TestModels.tokens(1200, 64, 1);
        try (ChaiModel model = ChaiModel.load(directory, ChaiOptions.exact())) {
            ClusterProfile profile = online(model.config().shape(), 700);
            try (ChaiSession single = model.newSession(profile); ChaiSession whole = model.newSession(profile)) {
                float[] expected = feed(single, tokens, 1);
                assertThat(TestModels.maxDifference(feed(whole, tokens, 1200), expected)).isLessThan(1e-3);
                assertThat(single.clusters(7).numberOfClusters()).isEqualTo(1);
                assertThat(single.kvCacheBytes()).as("pages of 256 positions are forgotten")
                        .isLessThan(1200L * ((3 + 4) * 16 + (3 + 4) * 32) * 4);
            }
        }
    }

    /** Layers whose keys others read keep them all; the others keep one head's; who reads them keeps none. */
    @Test
    void onlyLayersThatNobodyElseReadsGiveKeysBack() {
        int[] tokens = TestModels.tokens(10, 64, 1);
        try (ChaiModel model = ChaiModel.load(DIRECTORY, ChaiOptions.exact());
                ChaiSession exact = model.newSession();
                ChaiSession clustered = model.newSession(online(model.config().shape(), 4))) {
            assertThat(IntStream.range(0, 8).filter(model.config()::sharesKv)).containsExactly(2, 3);
            assertThat(IntStream.range(0, 8).filter(layer -> model.config().layer(layer).attention().hasKv()))
                    .containsExactly(0, 1, 2, 3);
            feed(exact, tokens, 10);
            feed(clustered, tokens, 10);
            // Two heads of 16 values, or of 32, of keys and of values, in two layers each.
            assertThat(exact.kvCacheBytes()).isEqualTo(10 * 2 * (4 * 16 + 4 * 32) * 4);
            assertThat(clustered.kvCacheBytes()).isEqualTo(10 * ((3 + 4) * 16 + (3 + 4) * 32) * 4);
        }
    }

    /** Some published files have weights for keys and values that nothing uses. */
    @Test
    void weightsThatNothingUsesAreIgnored() throws Exception {
        Files.copy(DIRECTORY.resolve("config.json"), directory.resolve("config.json"));
        TestWeights weights = TestWeights.read(DIRECTORY.resolve("model.safetensors"));
        for (String name : List.of("k_proj.weight", "v_proj.weight", "k_norm.weight")) {
            TestWeights.Tensor own = weights.tensors().get("model.layers.3.self_attn." + name);
            weights.put("model.layers.7.self_attn." + name, own.type(), own.shape(), own.bytes());
        }
        weights.write(directory.resolve("model.safetensors"), 0);
        int[] tokens = TestModels.tokens(30, 64, 2);
        try (ChaiModel with = ChaiModel.load(directory, ChaiOptions.exact());
                ChaiModel without = ChaiModel.load(DIRECTORY, ChaiOptions.exact());
                ChaiSession one = with.newSession();
                ChaiSession other = without.newSession()) {
            assertThat(one.feed(tokens)).isEqualTo(other.feed(tokens));
        }
    }

    @Test
    void theBudgetIsCheckedForLayersThatKeepSomething() {
        long least = 4 * 3 * 16384L; // one head's keys and two heads' values in four layers
        ChaiModel.load(DIRECTORY, ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(least))).close();
        assertThatThrownBy(() -> ChaiModel.load(DIRECTORY,
                ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(least - 1))))
                .isInstanceOf(KvCacheTooSmallException.class);
    }
}
