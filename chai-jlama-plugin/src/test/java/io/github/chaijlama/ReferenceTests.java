// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.bench.SyntheticShape;
import io.github.chaijlama.families.ScalarTransformer;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Whole models against {@link ScalarTransformer}, at sizes that Jlama's own attention and feed-forward network compute
 * wrongly (lengths that are no multiple of 128), odd head sizes, multi-head, grouped-query and multi-query.
 */
@Tag("operators")
class ReferenceTests {
    @TempDir
    static Path directory;

    static Stream<Arguments> shapes() {
        return Stream.of(TestModels.shape(128, 256, 8, 8), TestModels.shape(192, 704, 6, 6),
                TestModels.shape(288, 768, 6, 2), TestModels.shape(320, 960, 5, 5), TestModels.shape(192, 576, 8, 1),
                TestModels.shape(256, 1376, 2, 2), TestModels.shape(160, 352, 10, 2)).flatMap(
                        shape -> Stream.of("F32", "BF16").map(weights -> Arguments.of(shape, weights)));
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void exactAndClusteredAgreeWithPlainLoops(SyntheticShape shape, String weights) {
        Path model = TestModels.random(directory, shape, 256, weights);
        ScalarTransformer reference = new ScalarTransformer(model);
        ModelShape heads = ModelConfig.read(model).shape();
        for (int length : new int[]{ 1, 2, 3, 9, 37, 150 }) {
            int[] tokens = TestModels.tokens(length, shape.vocabularySize(), length);
            ClusterProfile profile = TestModels.randomStatic(heads, length);
            float[] exact = reference.logits(tokens, null);
            float[] clustered = reference.logits(tokens, ((Membership.Static) profile.membership()).layers());
            for (Operators operators : TestOperators.all()) {
                try (ChaiModel chai = ChaiModel.load(model, TestOperators.exact(operators));
                        ChaiSession own = chai.newSession();
                        ChaiSession shared = chai.newSession(profile)) {
                    assertThat(TestModels.maxDifference(own.feed(tokens), exact))
                            .as("%s, exact, %d tokens", operators, length).isLessThan(2e-4);
                    assertThat(TestModels.maxDifference(shared.feed(tokens), clustered))
                            .as("%s, clustered, %d tokens", operators, length).isLessThan(2e-4);
                }
            }
        }
    }
}
