// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestWeights;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code chai info} of directories that cannot be run: every reason, where loading names the first. */
class InfoReasonsTests {
    private static final Path GOLDEN = GoldenCases.directory("families").resolve("qwen3");

    @TempDir
    Path directory;
    private ObjectNode config;
    private TestWeights weights;

    @BeforeEach
    void read() throws IOException {
        config = (ObjectNode) new ObjectMapper().readTree(GOLDEN.resolve("config.json").toFile());
        weights = TestWeights.read(GOLDEN.resolve("model.safetensors"));
        Files.writeString(directory.resolve("tokenizer.json"), "{}");
    }

    private List<String> reasons() throws IOException {
        Files.writeString(directory.resolve("config.json"), config.toString());
        if (weights != null) {
            weights.write(directory.resolve("model.safetensors"), 0);
        }
        CommandRun run = CommandRun.of("info", "--model", directory.toString(), "--json");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.json().path("runs").booleanValue()).isFalse();
        List<String> reasons = new ArrayList<>();
        for (JsonNode reason : run.json().path("reasons")) {
            reasons.add(reason.asText().replace(directory + "/", "").replace(directory + ": ", ""));
        }
        return reasons;
    }

    @Test
    void keysTensorsAndTokenizerAtOnce() throws IOException {
        config.put("clip_qkv", 8).put("n_shared_experts", 2).put("rms_norm_eps", -1);
        weights.tensors().keySet().removeIf(name -> name.contains(".layers.1.mlp."));
        weights.tensors().remove("model.norm.weight");
        weights.put("model.layers.0.self_attn.extra", "F32", new long[]{ 1 }, new byte[4]);
        Files.delete(directory.resolve("tokenizer.json"));
        assertThat(reasons()).containsExactly("config.json: 'rms_norm_eps' must be a number above 0, found -1",
                "config.json: 'clip_qkv' is not supported here, found 8",
                "config.json: 'n_shared_experts' is not supported here, found 2",
                "4 tensors that config.json asks for and the files do not have: model.layers.1.mlp.gate_proj.weight, "
                        + "model.layers.1.mlp.up_proj.weight, model.layers.1.mlp.down_proj.weight, model.norm.weight",
                "1 tensor that config.json does not ask for, and that would be ignored: model.layers.0.self_attn.extra",
                "tokenizer.json does not exist");
        CommandRun text = CommandRun.of("info", "--model", directory.toString());
        assertThat(text.exitCode()).isEqualTo(1);
        assertThat(text.err()).startsWith("chai: " + directory + " cannot be run, for 6 reasons:").contains("- ");
    }

    /** What another quantizer has made of the tensors says nothing more. */
    @Test
    void quantizationAndKeysButNotTheTensorsOfIt() throws IOException {
        config.put("clip_qkv", 8).putObject("quantization_config").put("quant_method", "gptq");
        weights.tensors().remove("model.norm.weight");
        assertThat(reasons()).hasSize(2).first().asString()
                .startsWith("config.json: weights quantized by 'gptq' are not supported; take");
        assertThat(reasons().get(1)).isEqualTo("config.json: 'clip_qkv' is not supported here, found 8");
    }

    @Test
    void everyShardThatIsMissing() throws IOException {
        weights = null;
        Files.writeString(directory.resolve("model.safetensors.index.json"), """
                {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors",
                 "c": "model-3.safetensors"}}""");
        TestWeights.read(GOLDEN.resolve("model.safetensors")).write(directory.resolve("model-2.safetensors"), 0);
        assertThat(reasons()).startsWith("model-1.safetensors does not exist", "model-3.safetensors does not exist")
                .last().asString().startsWith("tokenizer.json");
    }

    /** As OPT is published: files of other libraries, of which one writes those that are missing. */
    @Test
    void filesThatOthersRead() throws IOException {
        weights = null;
        Files.delete(directory.resolve("tokenizer.json"));
        Files.createFile(directory.resolve("vocab.json"));
        Files.createFile(directory.resolve("pytorch_model-00001-of-00002.bin"));
        List<String> reasons = reasons();
        assertThat(reasons).hasSize(2);
        assertThat(reasons.get(0)).endsWith("has no weights: expected model.safetensors or "
                + "model.safetensors.index.json; found pytorch_model-00001-of-00002.bin, which transformers writes as "
                + "safetensors: AutoModelForCausalLM.from_pretrained(directory).save_pretrained(directory)");
        assertThat(reasons.get(1)).isEqualTo("tokenizer.json does not exist; found vocab.json, from which transformers "
                + "writes it: AutoTokenizer.from_pretrained(directory).save_pretrained(directory)");
    }

    @Test
    void shapesThatDoNotFit() throws IOException {
        config.put("intermediate_size", 32);
        assertThat(reasons()).hasSize(6).first().asString()
                .startsWith("tensor model.layers.0.mlp.gate_proj.weight has shape [64, 32]");
        assertThat(reasons().get(4)).isEqualTo("8 more tensors are not as config.json asks for");
    }

    /** What is asked for cannot be done, and the files are as they should be. */
    @Test
    void whatIsAskedForComesFirst() throws IOException {
        CommandRun run = CommandRun.of("info", "--model",
                GoldenCases.directory("formats").resolve("int4_group").toString(), "--weights", "q8", "--json");
        assertThat(run.json().path("reasons")).hasSize(2);
        assertThat(run.json().at("/reasons/0").asText()).contains("which has fewer bits than I8");
        assertThat(run.json().at("/reasons/1").asText()).endsWith("tokenizer.json does not exist");
    }

    /** One reason is one sentence, as from every other command. */
    @Test
    void oneReasonIsASentence() throws IOException {
        Files.delete(directory.resolve("tokenizer.json"));
        Files.writeString(directory.resolve("config.json"), config.put("model_type", "bert").toString());
        Path none = directory.resolve("none");
        assertThat(CommandRun.of("info", "--model", none.toString()).err().strip())
                .isEqualTo("chai: model directory " + none + " does not exist");
        assertThat(reasons()).first().asString().startsWith("model type 'bert' is not supported");
    }
}
