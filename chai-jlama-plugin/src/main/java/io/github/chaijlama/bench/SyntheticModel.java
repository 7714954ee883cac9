// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.function.Consumer;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A model of a real shape with random weights, to measure time and memory where no model can be downloaded. Its text
 * means nothing. Written once and used again.
 */
public final class SyntheticModel {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int CHUNK_VALUES = 1 << 20;

    private final SyntheticShape shape;
    private final int layers;
    private final int contextLength;
    private final boolean bfloat16;

    /** A tensor to write; {@code deviation} 0 means all ones. */
    private record Tensor(String name, long[] shape, double deviation) {
        long values() {
            long values = 1;
            for (long size : shape) {
                values *= size;
            }
            return values;
        }
    }

    /**
     * Describes a model.
     *
     * @param weights {@code F32} or {@code BF16}
     */
    public SyntheticModel(SyntheticShape shape, int layers, int contextLength, String weights) {
        if (!weights.equals("F32") && !weights.equals("BF16")) {
            throw new IllegalArgumentException("weights must be F32 or BF16, found " + weights);
        }
        this.shape = shape;
        this.layers = layers;
        this.contextLength = contextLength;
        this.bfloat16 = weights.equals("BF16");
    }

    /**
     * Returns the model's directory under {@code parent}, writing the model first if it is not there.
     *
     * @param progress told what is going on
     */
    public Path writeUnder(Path parent, Consumer<String> progress) throws IOException {
        Path directory = parent.resolve(shape.name() + "-" + layers + "-layers-" + (bfloat16 ? "bf16" : "f32"));
        Path weights = directory.resolve("model.safetensors");
        Files.createDirectories(directory);
        if (!Files.exists(weights)) {
            Path part = directory.resolve("model.safetensors." + UUID.randomUUID() + ".part");
            try {
                writeWeights(part, progress);
                Files.move(part, weights, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(part); // gigabytes, where the disk became full
            }
        }
        Files.writeString(directory.resolve("config.json"), config());
        return directory;
    }

    private String config() {
        ObjectNode config = MAPPER.createObjectNode();
        config.putArray("architectures").add("LlamaForCausalLM");
        config.put("model_type", "llama").put("hidden_act", "silu").put("bos_token_id", 1).put("eos_token_id", 2)
                .put("hidden_size", shape.hiddenSize()).put("intermediate_size", shape.intermediateSize())
                .put("num_hidden_layers", layers).put("num_attention_heads", shape.heads())
                .put("num_key_value_heads", shape.kvHeads()).put("max_position_embeddings", contextLength)
                .put("rope_theta", shape.ropeTheta()).put("rms_norm_eps", 1e-5)
                .put("vocab_size", shape.vocabularySize()).put("tie_word_embeddings", false)
                .put("torch_dtype", bfloat16 ? "bfloat16" : "float32");
        return config.toPrettyString();
    }

    private List<Tensor> tensors() {
        long hidden = shape.hiddenSize();
        long intermediate = shape.intermediateSize();
        long kv = hidden / shape.heads() * shape.kvHeads();
        double inner = 1 / Math.sqrt((double) hidden);
        List<Tensor> tensors = new ArrayList<>();
        tensors.add(new Tensor("model.embed_tokens.weight", new long[]{ shape.vocabularySize(), hidden }, 1));
        for (int layer = 0; layer < layers; layer++) {
            String prefix = "model.layers." + layer + ".";
            tensors.add(new Tensor(prefix + "input_layernorm.weight", new long[]{ hidden }, 0));
            tensors.add(new Tensor(prefix + "self_attn.q_proj.weight", new long[]{ hidden, hidden }, inner));
            tensors.add(new Tensor(prefix + "self_attn.k_proj.weight", new long[]{ kv, hidden }, inner));
            tensors.add(new Tensor(prefix + "self_attn.v_proj.weight", new long[]{ kv, hidden }, inner));
            tensors.add(new Tensor(prefix + "self_attn.o_proj.weight", new long[]{ hidden, hidden }, inner));
            tensors.add(new Tensor(prefix + "post_attention_layernorm.weight", new long[]{ hidden }, 0));
            tensors.add(new Tensor(prefix + "mlp.gate_proj.weight", new long[]{ intermediate, hidden }, inner));
            tensors.add(new Tensor(prefix + "mlp.up_proj.weight", new long[]{ intermediate, hidden }, inner));
            tensors.add(new Tensor(prefix + "mlp.down_proj.weight", new long[]{ hidden, intermediate },
                    1 / Math.sqrt((double) intermediate)));
        }
        tensors.add(new Tensor("model.norm.weight", new long[]{ hidden }, 0));
        tensors.add(new Tensor("lm_head.weight", new long[]{ shape.vocabularySize(), hidden }, inner));
        return tensors;
    }

    private void writeWeights(Path file, Consumer<String> progress) throws IOException {
        List<Tensor> tensors = tensors();
        int valueBytes = bfloat16 ? 2 : 4;
        ObjectNode header = MAPPER.createObjectNode();
        long offset = 0;
        for (Tensor tensor : tensors) {
            ObjectNode entry = header.putObject(tensor.name()).put("dtype", bfloat16 ? "BF16" : "F32");
            entry.set("shape", MAPPER.valueToTree(tensor.shape()));
            long end = offset + tensor.values() * valueBytes;
            entry.putArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        int padded = (json.length + 7) / 8 * 8;
        ByteBuffer start = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN).putLong(padded)
                .put(json);
        while (start.hasRemaining()) {
            start.put((byte) ' ');
        }
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            out.write(start.array());
            for (Tensor tensor : tensors) {
                progress.accept("writing " + tensor.name());
                writeValues(out, tensor, valueBytes);
            }
        }
    }

    private void writeValues(OutputStream out, Tensor tensor, int valueBytes) throws IOException {
        SplittableRandom random = new SplittableRandom(tensor.name().hashCode());
        // Uniform values with the wanted deviation: as good as normal ones here, and ten times faster to make.
        float width = (float) (tensor.deviation() * Math.sqrt(12));
        for (long left = tensor.values(); left > 0; left -= CHUNK_VALUES) {
            int count = (int) Math.min(left, CHUNK_VALUES);
            ByteBuffer chunk = ByteBuffer.allocate(count * valueBytes).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < count; i++) {
                float value = width == 0 ? 1 : ((random.nextInt() >> 8) * 0x1p-24f) * width;
                if (bfloat16) {
                    chunk.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
                } else {
                    chunk.putFloat(value);
                }
            }
            out.write(chunk.array());
        }
    }
}
