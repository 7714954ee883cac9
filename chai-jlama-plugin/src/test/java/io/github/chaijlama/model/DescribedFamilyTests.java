// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * A family that is described here once more, Qwen 3: its description is all that a model of it needs. Compared with
 * logits of transformers in float64 (src/test/resources/golden).
 */
@Tag("operators")
class DescribedFamilyTests {
    private static final double TOLERANCE = 1e-4;
    private static final Path DIRECTORY = GoldenCases.directory("families/qwen3");

    /**
     * Heads of 128 values unless something else is said, whatever the length of a row; each head's query and key
     * normed; no bias, as Llama; a window in the upper layers of none that is published.
     */
    private static final ModelFamily QWEN3 = new LlamaRules().headSize(128).kvHeads(32).contextLength(32_768)
            .headNorms().window((config, layer) -> config.flag("use_sliding_window", false)
                    && config.slides(layer, layer >= config.countOrNone("max_window_layers", 28))
                    && !config.isNull("sliding_window") ? config.size("sliding_window", 4096) : 0)
            .family("qwen3");

    private static ModelConfig config;
    private static ChaiModel model;

    @BeforeAll
    static void load() {
        config = ModelConfig.read(DIRECTORY, List.of(Families.LLAMA, QWEN3));
        model = TestModels.load(DIRECTORY, config);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    /** Tokens and the logits of the last one, fed in steps of some size. */
    static Stream<Arguments> cases() throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        return StreamSupport.stream(
                mapper.readTree(Files.readString(DIRECTORY.resolve("cases.json"))).path("cases").spliterator(), false)
                .flatMap(node -> Stream.of(1, 7, 4096)
                        .map(step -> Arguments.of(mapper.convertValue(node.path("tokens"), int[].class),
                                mapper.convertValue(node.path("logits"), float[].class), step)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void matchesTheReference(int[] tokens, float[] logits, int step) {
        try (ChaiSession session = model.newSession()) {
            assertThat(TestModels.maxDifference(feed(session, tokens, step), logits)).isLessThan(TOLERANCE);
        }
    }

    /** Norms of heads are applied to those heads only that are projected. */
    @ParameterizedTest
    @MethodSource("cases")
    void everyHeadItsOwnClusterMatchesItToo(int[] tokens, float[] logits, int step) {
        int heads = config.numberOfHeads();
        ClusterProfile identity = new ClusterProfile(config.shape(), Collections.nCopies(config.layers(), heads),
                new Membership.Static(Collections.nCopies(config.layers(), HeadClusters.identity(heads))));
        try (ChaiSession session = model.newSession(identity);
                ChaiSession whole = model.newSession(TestModels.randomStatic(config.shape(), 4));
                ChaiSession cut = model.newSession(TestModels.randomStatic(config.shape(), 4))) {
            assertThat(TestModels.maxDifference(feed(session, tokens, step), logits)).isLessThan(TOLERANCE);
            float[] clustered = feed(whole, tokens, tokens.length);
            assertThat(TestModels.maxDifference(feed(cut, tokens, step), clustered)).isLessThan(TOLERANCE);
            if (tokens.length > 1) {
                assertThat(TestModels.maxDifference(clustered, logits)).as("clustering is visible").isGreaterThan(0.01);
            }
        }
    }

    private static float[] feed(ChaiSession session, int[] tokens, int step) {
        float[] logits = null;
        for (int from = 0; from < tokens.length; from += step) {
            logits = session.feed(Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + step)));
        }
        return logits;
    }

    @Test
    void itsConfigurationIsWhatTheFileSays() {
        AttentionConfig attention = config.layer(2).attention();
        assertThat(config.modelType()).isEqualTo("qwen3");
        assertThat(attention.heads()).isEqualTo(new HeadLayout(4, 2, 16));
        assertThat(attention.heads().queryLength()).as("not the length of a row").isNotEqualTo(config.hiddenSize());
        assertThat(attention.queryNorm().orElseThrow().weight())
                .contains(TensorPart.vector("model.layers.2.self_attn.q_norm.weight", 16));
        assertThat(((KvConfig.Own) attention.kv()).keyNorm().orElseThrow().weight())
                .contains(TensorPart.vector("model.layers.2.self_attn.k_norm.weight", 16));
        assertThat(attention.query().bias()).isEmpty();
        assertThat(config.shortestWindow()).isEmpty();
    }

    @Test
    void whoDoesNotKnowTheFamilySaysWhichItKnows() {
        assertThatThrownBy(() -> ModelConfig.read(DIRECTORY, List.of(Families.LLAMA, GemmaFamilies.GEMMA)))
                .isInstanceOf(ModelLoadException.class)
                .hasMessage("model type 'qwen3' is not supported; supported: llama, gemma");
    }
}
