// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.bench.SyntheticShape;
import io.github.chaijlama.families.ScalarTransformer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What config.json says must not cost memory that the weights do not justify. */
class ConfigLimitsTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final long ALLOWED = 16 << 20;

    @TempDir
    Path directory;
    private Path model;
    private ObjectNode config;

    @BeforeEach
    void writeModel() throws IOException {
        use(TestModels.shape(64, 96, 4, 2));
    }

    private void use(SyntheticShape shape) throws IOException {
        model = TestModels.random(directory, shape, 64, "F32");
        config = (ObjectNode) MAPPER.readTree(Files.readString(model.resolve("config.json")));
    }

    private void set(String key, long value) throws IOException {
        config.put(key, value);
        Files.writeString(model.resolve("config.json"), config.toString());
    }

    private static long allocatedBytes() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }

    private float[] logits(int... tokens) {
        try (ChaiModel chai = ChaiModel.load(model, ChaiOptions.exact()); ChaiSession session = chai.newSession()) {
            return session.feed(tokens);
        }
    }

    @ParameterizedTest
    @CsvSource({ "vocab_size, 16777216", "hidden_size, 16777216", "intermediate_size, 16777216",
            "num_hidden_layers, 1000" })
    void sizesAreComparedWithTheWeightsBeforeAnythingIsAllocated(String key, int size) throws IOException {
        logits(1); // classes are loaded
        set(key, size);
        long before = allocatedBytes();
        assertThatThrownBy(this::logits).isInstanceOf(ModelLoadException.class).hasMessageContaining("tensor ");
        assertThat(allocatedBytes() - before).isLessThan(ALLOWED);
    }

    @Test
    void aContextIsOnlyALimit() throws IOException {
        // Vectors of code that is not compiled yet are objects.
        for (int i = 0; i < 200; i++) {
            logits(1);
        }
        float[] expected = logits(1, 2, 3);
        long small = leastAllocated();
        set("max_position_embeddings", 1 << 24);
        float[] found = logits(1, 2, 3);
        long large = leastAllocated();
        assertThat(TestModels.maxDifference(found, expected)).isLessThan(1e-4);
        System.out.println("heap for a context of 64 positions: " + small + " bytes, of 16777216: " + large);
        assertThat(large - small).isLessThan(700_000);
    }

    /** Of several loads, because not all code is compiled yet. */
    private long leastAllocated() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            long before = allocatedBytes();
            logits(1, 2, 3);
            least = Math.min(least, allocatedBytes() - before);
        }
        return least;
    }

    @Test
    void jlamasOwnAttentionNeedsRoomForAllPositions() throws IOException {
        set("max_position_embeddings", 1 << 24);
        set("head_dim", 16);
        long bytes = (1L << 24) * 8 * 32;
        if (bytes > Runtime.getRuntime().maxMemory() / 2) {
            assertThatThrownBy(() -> StockModel.load(model, ChaiOptions.stock())).isInstanceOf(ModelLoadException.class)
                    .hasMessageContaining(
                            "needs about " + bytes + " bytes of heap for the angles of 16777216 positions");
        }
    }

    /** The same file with heads of every size that its shapes allow. */
    @ParameterizedTest
    @ValueSource(ints = { 2, 4, 8, 16, 32 })
    void headsOfEverySizeThatFitsTheFile(int headSize) throws IOException {
        set("num_attention_heads", 64 / headSize);
        set("num_key_value_heads", 32 / headSize);
        int[] tokens = TestModels.tokens(30, 256, headSize);
        assertThat(TestModels.maxDifference(logits(tokens), new ScalarTransformer(model).logits(tokens, null)))
                .isLessThan(2e-4);
    }
}
