// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.attention.AttentionObserver;
import io.github.chaijlama.attention.HeadFeatures;
import io.github.chaijlama.attention.OutputComparison;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.families.ScalarOutputDistances;
import io.github.chaijlama.families.ScalarTransformer;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.weight.HeadColumns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class AttentionObservationTests {
    private static final int LAYERS = 3;
    private static final int HEADS = 8;
    private static final int HEAD_SIZE = 16;

    private static List<HeadGram> newProducts() {
        return Stream.generate(() -> new HeadGram(HEADS)).limit(LAYERS).toList();
    }

    private static List<HeadGram> observe(ChaiModel model, int[] tokens, int step) {
        List<HeadGram> products = newProducts();
        try (ChaiSession session = model.newSession(AttentionMode.EXACT)) {
            session.observe(new HeadFeatures(products));
            for (int from = 0; from < tokens.length; from += step) {
                session.feed(Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + step)));
            }
        }
        return products;
    }

    @ParameterizedTest
    @ValueSource(strings = { "mha", "gqa" })
    void headsClusterByObservedProductsAsByAWindowOverTheWholeText(String name) {
        Path directory = GoldenCases.directory(name);
        int[] tokens = TestModels.tokens(300, 256, 5);
        try (ChaiModel model = ChaiModel.load(directory, ChaiOptions.exact())) {
            List<HeadGram> products = observe(model, tokens, tokens.length);
            for (int clusters = 2; clusters < HEADS; clusters++) {
                ClusterProfile profile = new ClusterProfile(model.config().shape(),
                        Collections.nCopies(LAYERS, clusters), new Membership.Online(tokens.length, 0,
                                ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID));
                try (ChaiSession session = model.newSession(profile)) {
                    session.feed(tokens);
                    for (int layer = 0; layer < LAYERS; layer++) {
                        assertThat(session.clusters(layer)).isEqualTo(ClusteringAlgorithm.AGGLOMERATIVE
                                .cluster(products.get(layer), clusters, RepresentativeChoice.MEDOID));
                    }
                }
            }
        }
    }

    @Test
    void productsDoNotDependOnHowTheTextIsCutOrOnThreads() {
        int[] tokens = TestModels.tokens(200, 256, 6);
        try (ChaiModel two = ChaiModel.load(GoldenCases.directory("gqa"),
                ChaiOptions.exact().with(change -> change.threads(2)));
                ChaiModel one = ChaiModel.load(GoldenCases.directory("gqa"),
                        ChaiOptions.exact().with(change -> change.threads(1)))) {
            List<HeadGram> expected = observe(two, tokens, tokens.length);
            List<HeadGram> oneThread = observe(one, tokens, tokens.length);
            List<HeadGram> pieces = observe(two, tokens, 7);
            for (int layer = 0; layer < LAYERS; layer++) {
                assertThat(oneThread.get(layer).products()).containsExactly(expected.get(layer).products());
                assertThat(pieces.get(layer).products()).containsExactly(expected.get(layer).products(), within(1e-4));
            }
        }
    }

    private static List<OutputDistances> observeOutputs(ChaiModel model, int[] tokens, int step) {
        List<OutputDistances> distances = Stream.generate(() -> new OutputDistances(HEADS)).limit(LAYERS).toList();
        try (ChaiSession session = model.newSession(AttentionMode.EXACT)) {
            session.observe(new OutputComparison(distances,
                    layer -> HeadColumns.products(model.outputProjection(layer), HEAD_SIZE)));
            for (int from = 0; from < tokens.length; from += step) {
                session.feed(Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + step)));
            }
        }
        return distances;
    }

    @ParameterizedTest
    @ValueSource(strings = { "mha", "gqa" })
    void distancesOfOutputsAreThoseOfTheModelWithTheHeadsReplaced(String name) {
        int[] tokens = TestModels.tokens(50, 256, 8);
        double[][] expected = ScalarOutputDistances.of(new ScalarTransformer(GoldenCases.directory(name)), tokens);
        try (ChaiModel model = ChaiModel.load(GoldenCases.directory(name), ChaiOptions.exact())) {
            for (int step : new int[]{ tokens.length, 1, 17 }) {
                List<OutputDistances> distances = observeOutputs(model, tokens, step);
                for (int layer = 0; layer < LAYERS; layer++) {
                    for (int i = 0; i < HEADS * HEADS; i++) {
                        assertThat(distances.get(layer).sums()[i]).as("layer %d, %d", layer, i)
                                .isCloseTo(expected[layer][i], within(1e-3 * expected[layer][i] + 1e-7));
                    }
                }
            }
        }
    }

    @Test
    void distancesOfOutputsDoNotDependOnThreads() {
        int[] tokens = TestModels.tokens(100, 256, 6);
        try (ChaiModel two = ChaiModel.load(GoldenCases.directory("gqa"),
                ChaiOptions.exact().with(change -> change.threads(2)));
                ChaiModel one = ChaiModel.load(GoldenCases.directory("gqa"),
                        ChaiOptions.exact().with(change -> change.threads(1)))) {
            List<OutputDistances> expected = observeOutputs(two, tokens, tokens.length);
            List<OutputDistances> oneThread = observeOutputs(one, tokens, tokens.length);
            for (int layer = 0; layer < LAYERS; layer++) {
                assertThat(oneThread.get(layer).sums()).containsExactly(expected.get(layer).sums());
            }
        }
    }

    @Test
    void onlyNewExactSequencesCanBeObserved() {
        try (ChaiModel model = ChaiModel.load(GoldenCases.directory("mha"), ChaiOptions.exact());
                ChaiSession used = model.newSession();
                ChaiSession fresh = model.newSession()) {
            used.feed(1);
            AttentionObserver observer = rows -> {};
            assertThatThrownBy(() -> used.observe(observer)).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("only a new sequence with exact attention can be observed");
            try (ChaiSession clustered = model.newSession(TestModels.randomStatic(model.config().shape(), 1))) {
                assertThatThrownBy(() -> clustered.observe(observer)).isInstanceOf(IllegalStateException.class);
            }
            fresh.observe(observer);
        }
    }
}
