// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** What the models' files look like. */
class FamilyModelsTests {
    @TempDir
    Path directory;

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.families.FamilyModels#names")
    void tensorsFillTheFileWithoutGapAndAreTheSameEachTime(String name) throws IOException {
        Path file = FamilyModels.write(directory.resolve("a"), name).resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        long end = 0;
        for (JsonNode tensor : header(file)) {
            long values = 1;
            for (JsonNode size : tensor.path("shape")) {
                values *= size.asLong();
            }
            assertThat(tensor.path("dtype").asText()).isEqualTo("F32");
            assertThat(tensor.path("data_offsets").path(0).asLong()).isEqualTo(end);
            end += 4 * values;
            assertThat(tensor.path("data_offsets").path(1).asLong()).isEqualTo(end);
        }
        long headerLength = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        assertThat(headerLength % 8).isZero();
        assertThat((long) bytes.length).isEqualTo(8 + headerLength + end);
        Path again = FamilyModels.write(directory.resolve("b"), name).resolve("model.safetensors");
        assertThat(Files.mismatch(file, again)).as("first byte that differs").isEqualTo(-1);
    }

    @ParameterizedTest
    @CsvSource({ "llama-gqa,model.layers.2.self_attn.k_proj.weight,64 256",
            "llama-without-kv-heads,model.layers.2.self_attn.k_proj.weight,256 256", "llama-tied,lm_head.weight,",
            "llama-mha,lm_head.weight,256 256", "mistral,model.layers.0.self_attn.q_proj.weight,384 256",
            "mistral,model.layers.0.self_attn.o_proj.weight,256 384",
            "mistral,model.layers.0.self_attn.q_proj.bias,", "qwen2,model.layers.0.self_attn.k_proj.bias,64",
            "qwen2,model.layers.0.self_attn.o_proj.bias,", "qwen2,lm_head.weight,",
            "qwen2-window,model.layers.3.mlp.down_proj.weight,256 384", "granite,lm_head.weight,",
            "gemma,model.layers.0.self_attn.q_proj.weight,256 128",
            "gemma,model.layers.0.self_attn.v_proj.weight,64 128", "gemma,lm_head.weight,",
            "gemma2,model.layers.3.pre_feedforward_layernorm.weight,128",
            "mixtral,model.layers.0.block_sparse_moe.gate.weight,4 128",
            "mixtral,model.layers.0.block_sparse_moe.experts.3.w2.weight,128 256", "gpt2,h.0.attn.bias,",
            "gpt2,h.0.attn.c_attn.weight,128 384", "gpt2,h.2.mlp.c_proj.weight,512 128", "gpt2,wpe.weight,256 128",
            "gpt2-prefixed,transformer.h.0.attn.bias,1 1 256 256", "gpt2-prefixed,transformer.ln_f.bias,128" })
    void shapes(String name, String tensor, String shape) throws IOException {
        Path file = FamilyModels.write(directory, name).resolve("model.safetensors");
        List<String> sizes = new ArrayList<>();
        header(file).path(tensor).path("shape").forEach(size -> sizes.add(size.asText()));
        assertThat(String.join(" ", sizes)).isEqualTo(shape == null ? "" : shape);
    }

    @Test
    void overridesReplaceAddAndRemoveEntriesAndTensorsFollow() throws IOException {
        FamilyModels.write(directory, "llama-gqa",
                Map.of("num_hidden_layers", 1, "attention_bias", true, "head_dim", NullNode.getInstance()));
        JsonNode config = new ObjectMapper().readTree(directory.resolve("config.json").toFile());
        assertThat(config.path("num_hidden_layers").asInt()).isEqualTo(1);
        assertThat(config.path("head_dim").isNull()).isTrue();
        assertThat(config.path("rope_theta").asDouble()).isEqualTo(10000);
        JsonNode header = header(directory.resolve("model.safetensors"));
        assertThat(header.has("model.layers.0.self_attn.o_proj.bias")).isTrue();
        assertThat(header.has("model.layers.1.self_attn.o_proj.weight")).isFalse();
        FamilyModels.write(directory, "llama-gqa", Collections.singletonMap("rope_theta", null));
        assertThat(new ObjectMapper().readTree(directory.resolve("config.json").toFile()).has("rope_theta")).isFalse();
        assertThatIllegalArgumentException().isThrownBy(() -> FamilyModels.write(directory, "llama"));
    }

    private static JsonNode header(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] header = new byte[(int) bytes.getLong()];
        bytes.get(header);
        return new ObjectMapper().readTree(header);
    }
}
