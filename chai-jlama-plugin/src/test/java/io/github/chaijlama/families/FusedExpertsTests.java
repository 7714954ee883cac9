// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestOperators;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.TestWeights.Tensor;
import io.github.chaijlama.model.ModelLoadException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Experts as transformers 5 keeps them: two tensors a layer, gates first, in which those of all experts are. */
class FusedExpertsTests {
    private static final int EXPERTS = 4;
    private static final int[] TOKENS = { 5, 3, 8, 1, 9, 33, 2 };

    @TempDir
    Path directory;

    private static float[] logits(Path model) {
        try (ChaiModel loaded = ChaiModel.load(model, TestOperators.exact());
                ChaiSession session = loaded.newSession()) {
            return session.feed(TOKENS);
        }
    }

    /** Moves the matrices of all experts of a layer into one tensor, expert by expert. */
    private static void fuse(TestWeights weights, String stack, String... names) {
        long rows = 0;
        long columns = 0;
        ByteBuffer bytes = ByteBuffer.allocate(1 << 20);
        for (int expert = 0; expert < EXPERTS; expert++) {
            for (String name : names) {
                Tensor tensor = weights.tensors().remove(name.replace("#", Integer.toString(expert)));
                bytes.put(tensor.bytes());
                rows = names.length * tensor.shape()[0];
                columns = tensor.shape()[1];
            }
        }
        weights.put(stack, "F32", new long[]{ EXPERTS, rows, columns },
                Arrays.copyOf(bytes.array(), bytes.position()));
    }

    private static void rename(TestWeights weights, String from, String to) {
        Tensor tensor = weights.tensors().remove(from);
        weights.put(to, tensor.type(), tensor.shape(), tensor.bytes());
    }

    private Path write(Path config, TestWeights weights) throws IOException {
        Files.copy(config, directory.resolve("config.json"));
        weights.write(directory.resolve("model.safetensors"), 0);
        return directory;
    }

    @ParameterizedTest
    @ValueSource(strings = { "qwen3_moe", "qwen3_moe_mixed" })
    void ofQwen3(String family) throws IOException {
        Path published = GoldenCases.directory("families").resolve(family);
        TestWeights weights = TestWeights.read(published.resolve("model.safetensors"));
        List<String> layers = layers(weights, ".mlp.experts.0.gate_proj.weight");
        assertThat(layers).isNotEmpty();
        for (String layer : layers) {
            String experts = layer + ".mlp.experts.";
            fuse(weights, experts + "gate_up_proj", experts + "#.gate_proj.weight", experts + "#.up_proj.weight");
            fuse(weights, experts + "down_proj", experts + "#.down_proj.weight");
        }
        assertThat(logits(write(published.resolve("config.json"), weights))).isEqualTo(logits(published));
    }

    @Test
    void ofGranite() throws IOException {
        Path published = GoldenCases.directory("families").resolve("granitemoe");
        TestWeights weights = TestWeights.read(published.resolve("model.safetensors"));
        for (String layer : layers(weights, ".block_sparse_moe.input_linear.weight")) {
            String experts = layer + ".block_sparse_moe.";
            rename(weights, experts + "input_linear.weight", experts + "experts.gate_up_proj");
            rename(weights, experts + "output_linear.weight", experts + "experts.down_proj");
            rename(weights, experts + "router.layer.weight", experts + "router.weight");
        }
        assertThat(logits(write(published.resolve("config.json"), weights))).isEqualTo(logits(published));
    }

    @Test
    void ofMixtral() throws IOException {
        Path published = FamilyModels.write(directory.resolve("published"), "mixtral");
        TestWeights weights = TestWeights.read(published.resolve("model.safetensors"));
        for (String layer : layers(weights, ".block_sparse_moe.gate.weight")) {
            String experts = layer + ".block_sparse_moe.experts.#.";
            fuse(weights, layer + ".mlp.experts.gate_up_proj", experts + "w1.weight", experts + "w3.weight");
            fuse(weights, layer + ".mlp.experts.down_proj", experts + "w2.weight");
            rename(weights, layer + ".block_sparse_moe.gate.weight", layer + ".mlp.gate.weight");
        }
        assertThat(logits(write(published.resolve("config.json"), weights))).isEqualTo(logits(published));
    }

    @Test
    void whatIsNoStackIsNamed() throws IOException {
        Path published = GoldenCases.directory("families").resolve("qwen3_moe");
        TestWeights weights = TestWeights.read(published.resolve("model.safetensors"));
        weights.put("model.layers.0.mlp.experts.gate_up_proj", "F32", new long[]{ 2, 3, 1 }, new byte[24]);
        write(published.resolve("config.json"), weights);
        assertThatThrownBy(() -> logits(directory)).isInstanceOf(ModelLoadException.class).hasMessage(directory
                + ": tensor model.layers.0.mlp.experts.gate_up_proj must have experts, rows of 2 matrices and columns, "
                + "found shape [2, 3, 1]");
        weights.put("model.layers.0.mlp.experts.gate_up_proj", "F32", new long[]{ 1, 2, 1 }, new byte[8]);
        weights.write(directory.resolve("model.safetensors"), 0);
        assertThatThrownBy(() -> logits(directory)).isInstanceOf(ModelLoadException.class).hasMessage(directory
                + " has tensors model.layers.0.mlp.experts.gate_up_proj and "
                + "model.layers.0.mlp.experts.0.gate_proj.weight");
    }

    private static List<String> layers(TestWeights weights, String ending) {
        return weights.tensors().keySet().stream().filter(name -> name.endsWith(ending))
                .map(name -> name.substring(0, name.length() - ending.length())).toList();
    }
}
