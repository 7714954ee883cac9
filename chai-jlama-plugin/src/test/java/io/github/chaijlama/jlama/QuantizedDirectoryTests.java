// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestOperators;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.quantize.ModelQuantizer;
import io.github.chaijlama.weight.WeightFormat;

import static org.assertj.core.api.Assertions.assertThat;

/** Directories that {@link ModelQuantizer} writes, as Jlama loads and runs them by itself. */
@Tag("operators")
class QuantizedDirectoryTests {
    private static final int MANY = Integer.MAX_VALUE;

    @TempDir
    Path directory;
    @TempDir
    Path pages;

    private AbstractModel load(Path model) {
        return ModelSupport.loadModel(model.toFile(), pages.toFile(), DType.F32, DType.F32, Optional.empty(),
                Optional.empty());
    }

    /** What Jlama calls logits are probabilities. */
    private static float[] probabilities(AbstractModel model, int[] tokens) {
        try (AbstractTensor<?, ?> rows = model.batchForward(tokens, 0,
                JlamaAccess.kvBufferCache(model).getKvBuffer(UUID.randomUUID()))) {
            return model.getLogits(rows.slice(tokens.length - 1));
        }
    }

    private static float[] probabilities(float[] logits) {
        double max = logits[TestModels.mostLikely(logits)];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        float[] p = new float[logits.length];
        for (int i = 0; i < p.length; i++) {
            p[i] = (float) (Math.exp(logits[i] - max) / sum);
        }
        return p;
    }

    private static Path source(String name) {
        return name.equals("pocket") ? TestModels.POCKET : GoldenCases.directory(name);
    }

    /** A whole file and shards; untied and, with Pocket, tied output in BF16. */
    @ParameterizedTest
    @CsvSource({ "mha, " + MANY, "gqa, " + MANY, "gqa, 100000", "pocket, " + MANY, "pocket, 1000000" })
    void jlamaExpectsTheSameTokens(String name, long maxShardBytes) {
        Path out = directory.resolve("q4");
        new ModelQuantizer(WeightFormat.Q4, 2, maxShardBytes).quantize(source(name), out, (_, _) -> {});
        AbstractModel stock = load(out);
        try (ChaiModel ours = ChaiModel.load(out, TestOperators.exact())) {
            assertThat(ours.weightType()).isEqualTo("Q4");
            for (int length : new int[]{ 1, 7, 100 }) {
                int[] tokens = TestModels.tokens(length, 256, length);
                try (ChaiSession session = ours.newSession()) {
                    float[] expected = probabilities(session.feed(tokens));
                    float[] found = probabilities(stock, tokens);
                    assertThat(TestModels.maxDifference(found, expected)).as("%d tokens", length).isLessThan(1e-4);
                    assertThat(found[TestModels.mostLikely(found)]).isGreaterThan(2f / found.length);
                }
            }
        }
        stock.close();
    }

    /** By default it quantizes embeddings, too, which ours leaves as they are: such files are read as they are. */
    @Test
    void whatJlamasOwnCommandWritesByDefaultSaysTheSameHere() throws IOException {
        Path original = TestModels.random(directory, TestModels.shape(128, 256, 8, 4), 256, "F32");
        Files.writeString(original.resolve("tokenizer.json"), "{\"model\":{\"type\":\"BPE\",\"vocab\":{}}}");
        Files.writeString(original.resolve("README.md"), "a model");
        Path quantized = SafeTensorSupport.quantizeModel(original, DType.Q4, new String[]{ "norm" }, null,
                Optional.of(directory.resolve("quantized")));
        TestWeights weights = TestWeights.read(quantized.resolve("model.safetensors"));
        assertThat(weights.tensors().get("model.embed_tokens.weight").type()).isEqualTo("Q4");
        int[] tokens = TestModels.tokens(20, 256, 2);
        AbstractModel stock = load(quantized);
        try (ChaiModel ours = ChaiModel.load(quantized, TestOperators.exact());
                ChaiSession session = ours.newSession()) {
            assertThat(TestModels.maxDifference(probabilities(stock, tokens), probabilities(session.feed(tokens))))
                    .isLessThan(1e-5);
        }
        stock.close();
    }
}
