// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.safetensors;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.safetensors.SafetensorsFile.Entry;
import io.github.chaijlama.safetensors.SafetensorsWriter.Tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Files that are written, read again. */
class SafetensorsShardsTests {
    private static final Tensor A = new Tensor("a", "Q4", List.of(2L, 32L), 32);
    private static final Tensor A_FACTORS = new Tensor("a.qb", "F32", List.of(2L, 1L), 8);
    private static final Tensor B = new Tensor("b", "BF16", List.of(3L), 6);
    private static final Tensor C = new Tensor("c", "I8", List.of(1L, 100L), 100);

    @TempDir
    Path directory;

    private static MemorySegment bytes(int count, int first) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) (first + i);
        }
        return MemorySegment.ofArray(bytes);
    }

    @Test
    void whatIsWrittenInPiecesIsReadWhole() throws IOException {
        Path file = directory.resolve("model.safetensors");
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, List.of(B, A, A_FACTORS));
                Arena arena = Arena
                        .ofConfined()) {
            MemorySegment direct = arena.allocate(16).copyFrom(bytes(16, 50));
            writer.write("a.qb", 0, bytes(8, 90));
            writer.write("a", 16, direct);
            writer.write("a", 0, bytes(16, 34));
            writer.write("b", 0, bytes(6, 1));
            writer.force();
        }
        try (Arena arena = Arena.ofConfined()) {
            Map<String, Entry> entries = SafetensorsDirectory.map(directory, arena);
            assertThat(entries).containsOnlyKeys("a", "a.qb", "b");
            assertThat(entries.get("a").memory().toArray(JAVA_BYTE)).isEqualTo(bytes(32, 34).toArray(JAVA_BYTE));
            assertThat(entries.get("a.qb").memory().toArray(JAVA_BYTE)).isEqualTo(bytes(8, 90).toArray(JAVA_BYTE));
            assertThat(entries.get("b").memory().toArray(JAVA_BYTE)).isEqualTo(bytes(6, 1).toArray(JAVA_BYTE));
            assertThat(entries.get("b").shape()).containsExactly(3);
            assertThat(entries.get("b").memory().address() % 64).as("data begins aligned").isZero();
        }
        assertThatThrownBy(() -> SafetensorsWriter.create(file, List.of(A)))
                .isInstanceOf(FileAlreadyExistsException.class);
        assertThat(Files.size(file) % 64).isEqualTo(46);
    }

    @Test
    void oneFileNeedsNoIndex() {
        SafetensorsShards shards = new SafetensorsShards(List.of(List.of(A, A_FACTORS), List.of(B), List.of(C)), 146);
        assertThat(shards.files()).containsOnlyKeys("model.safetensors");
        assertThat(shards.files().get("model.safetensors")).containsExactly(A, A_FACTORS, B, C);
        assertThat(shards.hasIndex()).isFalse();
        assertThat(shards.bytes()).isEqualTo(146);
    }

    @Test
    void whatBelongsTogetherIsInOneFile() throws IOException {
        SafetensorsShards shards = new SafetensorsShards(List.of(List.of(B), List.of(A, A_FACTORS), List.of(C)), 45);
        assertThat(shards.files()).isEqualTo(Map.of("model-00001-of-00003.safetensors", List.of(B),
                "model-00002-of-00003.safetensors", List.of(A, A_FACTORS), "model-00003-of-00003.safetensors",
                List.of(C)));
        for (Map.Entry<String, List<Tensor>> shard : shards.files().entrySet()) {
            SafetensorsWriter.create(directory.resolve(shard.getKey()), shard.getValue()).close();
        }
        for (String file : shards.files().keySet()) {
            try (var channel = Files.newByteChannel(directory.resolve(file), StandardOpenOption.WRITE)) {
                long size = channel.size();
                long data = shards.files().get(file).stream().mapToLong(Tensor::bytes).sum();
                channel.position(size + data - 1).write(ByteBuffer.allocate(1));
            }
        }
        Files.writeString(directory.resolve("model.safetensors.index.json"), shards.index());
        try (Arena arena = Arena.ofConfined()) {
            assertThat(SafetensorsDirectory.map(directory, arena)).containsOnlyKeys("a", "a.qb", "b", "c");
        }
    }
}
