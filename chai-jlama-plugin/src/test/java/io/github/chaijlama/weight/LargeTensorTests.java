// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestWeights;
import io.github.chaijlama.TestWeights.Tensor;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A table of tokens of more than 2 GiB, most of it a hole in its file: rows behind the 2 GiB are looked up and
 * multiplied with as in a model that has nothing but those.
 */
@Tag("long")
class LargeTensorTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String TABLE = "model.embed_tokens.weight";
    private static final int TOKENS = 256;
    private static final int ROW_BYTES = 128 * Float.BYTES;
    /** Rows before those of the model, which begin behind byte 2^31 of the table. */
    private static final int HOLE = (1 << 31 - 9) + 3;

    @TempDir
    Path directory;

    private Path model(String name, int vocabulary) throws IOException {
        Path model = Files.createDirectory(directory.resolve(name));
        ObjectNode config = (ObjectNode) MAPPER
                .readTree(GoldenCases.directory("mha").resolve("config.json").toFile());
        config.put("tie_word_embeddings", true).put("vocab_size", vocabulary);
        Files.writeString(model.resolve("config.json"), config.toString());
        return model;
    }

    private static void writeLarge(Path file, TestWeights weights) throws IOException {
        Tensor table = weights.tensors().remove(TABLE);
        ObjectNode header = MAPPER.createObjectNode();
        long end = 0;
        for (Map.Entry<String, Tensor> entry : weights.tensors().entrySet()) {
            end = put(header, entry.getKey(), entry.getValue().shape(), end, entry.getValue().bytes().length);
        }
        long[] shape = { HOLE + TOKENS, 128 };
        long all = put(header, TABLE, shape, end, (HOLE + TOKENS) * (long) ROW_BYTES);
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        try (RandomAccessFile large = new RandomAccessFile(file.toFile(), "rw")) {
            large.write(
                    ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
            large.write(json);
            for (Tensor tensor : weights.tensors().values()) {
                large.write(tensor.bytes());
            }
            large.seek(Long.BYTES + json.length + end + HOLE * (long) ROW_BYTES);
            large.write(table.bytes());
            assertThat(large.length()).isEqualTo(Long.BYTES + json.length + all);
        }
    }

    private static long put(ObjectNode header, String name, long[] shape, long from, long bytes) {
        ObjectNode node = header.putObject(name).put("dtype", "F32");
        node.set("shape", MAPPER.valueToTree(shape));
        node.putArray("data_offsets").add(from).add(from + bytes);
        return from + bytes;
    }

    private static float[] logits(Path model, int... tokens) {
        try (ChaiModel loaded = ChaiModel.load(model, ChaiOptions.exact());
                ChaiSession session = loaded.newSession()) {
            return session.feed(tokens);
        }
    }

    @Test
    void rowsBehindTwoGibibytesAreAsAnyOthers() throws IOException {
        TestWeights weights = TestWeights.read(GoldenCases.directory("mha").resolve("model.safetensors"));
        weights.tensors().remove("lm_head.weight");
        Path small = model("small", TOKENS);
        weights.write(small.resolve("model.safetensors"), 0);
        Path large = model("large", HOLE + TOKENS);
        writeLarge(large.resolve("model.safetensors"), weights);
        float[] found = logits(large, HOLE + 5, HOLE + 70, HOLE + 255);
        assertThat(found).hasSize(HOLE + TOKENS);
        assertThat(Arrays.copyOfRange(found, HOLE, found.length)).isEqualTo(logits(small, 5, 70, 255));
        assertThat(found[0]).isZero();
    }
}
