// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.profile;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.families.FamilyModels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** The profile of the paper's counts that ships with the plugin. */
class ExampleProfileTests {

    private static String json() throws IOException {
        try (InputStream in = ClusterProfile.class.getResourceAsStream("examples/llama-7b.json")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void hasTheCountsOfThePaperAndSaysWhereTheyComeFrom() throws IOException {
        ClusterProfile profile = ClusterProfile.parse(json(), "llama-7b.json");

        assertThat(profile.clusters().subList(0, 18)).containsOnly(32);
        assertThat(profile.clusters().subList(18, 32)).isEqualTo(Collections.nCopies(14, 4));
        assertThat(profile.membership()).isEqualTo(Membership.defaults());
        assertThat(profile.fingerprint()).as("for every model of the shape").isEmpty();
        assertThat(new ObjectMapper().readTree(json()).path("source").textValue()).contains("arXiv:2403.08058");
    }

    /** LLaMA-7B's layers, heads and head size; the rows between layers are short, so that the model is small. */
    @Test
    void runsOnAModelOfTheShapeAndSavesWhatThePaperSays(@TempDir Path directory) throws IOException {
        Path narrow = FamilyModels.write(directory, "llama-mha",
                Map.of("num_hidden_layers", 32, "num_attention_heads", 32, "num_key_value_heads", 32, "head_dim", 128,
                        "hidden_size", 32, "intermediate_size", 64));
        try (ChaiModel model = ChaiModel.load(narrow,
                ChaiOptions.clustered(ClusterProfile.parse(json(), "llama-7b.json")));
                ChaiSession clustered = model.newSession();
                ChaiSession exact = model.newSession(AttentionMode.EXACT)) {
            int[] tokens = TestModels.tokens(24, 256, 3);
            clustered.feed(tokens);
            exact.feed(tokens);

            assertThat(clustered.clusters(17).numberOfClusters()).isEqualTo(32);
            assertThat(clustered.clusters(18).numberOfClusters()).isEqualTo(4);
            assertThat(1 - clustered.kvCacheBytes() / (double) exact.kvCacheBytes())
                    .as("14 of 32 layers keep 4 of 32 keys")
                    .isCloseTo(14 * 28 / 2048.0, within(1e-9));
        }
    }
}
