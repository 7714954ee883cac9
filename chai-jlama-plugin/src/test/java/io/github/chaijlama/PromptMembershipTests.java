// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.attention.HeadFeatures;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PromptMembershipTests {
    private static final List<Integer> CLUSTERS = List.of(8, 3, 5);

    private static ClusterProfile profile(ChaiModel model) {
        return new ClusterProfile(model.config().shape(), CLUSTERS,
                new Membership.Prompt(ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID));
    }

    @ParameterizedTest
    @ValueSource(strings = { "mha", "gqa" })
    void thePromptIsExactAndDecidesFromAllOfItself(String name) {
        int[] tokens = TestModels.tokens(150, 256, 3);
        try (ChaiModel model = ChaiModel.load(GoldenCases.directory(name), ChaiOptions.exact());
                ChaiSession exact = model.newSession();
                ChaiSession session = model.newSession(profile(model))) {
            List<HeadGram> products = Stream.generate(() -> new HeadGram(8)).limit(3).toList();
            exact.observe(new HeadFeatures(products));
            assertThat(session.feed(tokens)).containsExactly(exact.feed(tokens));
            assertThat(session.kvCacheBytes()).isEqualTo(exact.kvCacheBytes());

            session.endPrompt();
            session.endPrompt();

            for (int layer = 0; layer < CLUSTERS.size(); layer++) {
                assertThat(session.clusters(layer)).isEqualTo(ClusteringAlgorithm.AGGLOMERATIVE
                        .cluster(products.get(layer), CLUSTERS.get(layer), RepresentativeChoice.MEDOID));
            }
            if (name.equals("mha")) {
                int keys = CLUSTERS.stream().mapToInt(Integer::intValue).sum();
                assertThat(session.kvCacheBytes()).isEqualTo(exact.kvCacheBytes() * (keys + 24) / 48);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 7, 64 })
    void whatFollowsIsThatOfFixedClustersHoweverThePromptIsCut(int step) {
        int[] prompt = TestModels.tokens(90, 256, 4);
        int[] answer = TestModels.tokens(20, 256, 5);
        try (ChaiModel model = ChaiModel.load(GoldenCases.directory("mha"), ChaiOptions.exact());
                ChaiSession whole = model.newSession(profile(model));
                ChaiSession cut = model.newSession(profile(model))) {
            whole.feed(prompt);
            for (int from = 0; from < prompt.length; from += step) {
                cut.feed(Arrays.copyOfRange(prompt, from, Math.min(prompt.length, from + step)));
            }
            whole.endPrompt();
            cut.endPrompt();

            assertThat(TestModels.maxDifference(cut.feed(answer), whole.feed(answer))).isLessThan(1e-4);
            for (int layer = 0; layer < CLUSTERS.size(); layer++) {
                HeadClusters clusters = whole.clusters(layer);
                assertThat(cut.clusters(layer)).isEqualTo(clusters);
                assertThat(clusters.numberOfClusters()).isEqualTo(CLUSTERS.get(layer));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "mha" })
    void aPromptWithoutTokensCannotEnd(String name) {
        try (ChaiModel model = ChaiModel.load(GoldenCases.directory(name), ChaiOptions.exact());
                ChaiSession session = model.newSession(profile(model));
                ChaiSession exact = model.newSession()) {
            assertThatThrownBy(session::endPrompt).isInstanceOf(IllegalStateException.class);
            exact.endPrompt();
        }
    }
}
