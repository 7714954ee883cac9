// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.safetensors;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SafetensorsTests {
    private static final String GOOD = """
            {"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
            "b":{"dtype":"BF16","shape":[2,2],"data_offsets":[24,32]}}""";

    @TempDir
    Path directory;
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void unmap() {
        arena.close();
    }

    private Path write(String name, String header, int dataBytes) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return write(name, json.length, json, dataBytes);
    }

    private Path write(String name, long headerLength, byte[] header, int dataBytes) throws IOException {
        ByteBuffer file = ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(headerLength).put(header);
        for (int i = 0; i < dataBytes; i++) {
            file.put((byte) i);
        }
        return Files.write(directory.resolve(name), file.array());
    }

    private Map<String, Entry> open() {
        return SafetensorsDirectory.map(directory, arena);
    }

    @Test
    void readsTensors() throws IOException {
        write("model.safetensors", GOOD, 32);
        Entry a = open().get("a");
        assertThat(a.type()).isEqualTo("F32");
        assertThat(a.shape()).containsExactly(2, 3);
        assertThat(a.memory().get(JAVA_BYTE, 20)).isEqualTo((byte) 20);
        assertThat(open().get("b").memory().byteSize()).isEqualTo(8);
    }

    @Test
    void readsShards() throws IOException {
        write("one.safetensors", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
        write("two.safetensors", "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
        Path index = directory.resolve("model.safetensors.index.json");
        Files.writeString(index, "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}");
        assertThat(open()).containsOnlyKeys("a", "b");
        Files.writeString(index, "{\"weight_map\":{\"a\":\"one.safetensors\",\"c\":\"two.safetensors\"}}");
        assertThatThrownBy(this::open).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("says that tensor c is in two.safetensors, it is not");
        Files.writeString(index, "{\"weight_map\":{\"a\":\"three.safetensors\"}}");
        assertThatThrownBy(this::open).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("three.safetensors does not exist");
        Files.writeString(index, "{\"weight_map\":{\"a\":\"../one.safetensors\"}}");
        assertThatThrownBy(this::open).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("outside the model's directory");
        Files.writeString(index, "{}");
        assertThatThrownBy(this::open).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("no 'weight_map'");
        Files.writeString(index, "not json");
        assertThatThrownBy(this::open).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("is not JSON");
    }

    @Test
    void aDirectoryWithoutWeightsSaysWhatWasExpected() {
        assertThatThrownBy(this::open).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("expected model.safetensors or model.safetensors.index.json");
    }

    @Test
    void closingUnmapsTheFile() throws IOException {
        write("model.safetensors", GOOD, 32);
        MemorySegment memory;
        try (Arena own = Arena.ofShared()) {
            memory = SafetensorsDirectory.map(directory, own).get("a").memory();
            assertThat(memory.get(JAVA_BYTE, 0)).isZero();
        }
        assertThatThrownBy(() -> memory.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            [0,24]       | [0,25]       | has 25 bytes, expected 24
            [0,24]       | [8,32]       | no tensor has the bytes from 0 to 8
            [24,32]      | [16,24]      | overlap those of tensor
            [24,32]      | [24,40]      | expected a start and an end within the 32 bytes
            [24,32]      | [32,24]      | expected a start and an end within the 32 bytes
            [24,32]      | [-1,7]       | expected whole numbers
            [24,32]      | [24]         | expected a start and an end
            [24,32]      | "x"          | has no list 'data_offsets'
            [2,3]        | [2,4]        | has 24 bytes, expected 32
            [2,3]        | [-2,-3]      | expected whole numbers
            [2,3]        | [9223372036854775807,9] | expected more than 2^63
            [2,3]        | [1.5]        | expected whole numbers
            "shape"      | "form"       | has no list 'shape'
            "b"          | "a"          | is not JSON: Duplicate
            }}           | }            | is not JSON
            """)
    void brokenHeadersSayWhatWasExpectedAndFound(String original, String mistake, String message) throws IOException {
        assertThat(GOOD).contains(original);
        Path file = write("model.safetensors", GOOD.replace(original, mistake), 32);
        assertThatThrownBy(this::open).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining(file.toString()).hasMessageContaining(message);
    }

    @ParameterizedTest
    @ValueSource(longs = { 0, 1, 1000, -1, Long.MAX_VALUE, Long.MIN_VALUE })
    void headerLengthsOutsideTheFileAreRefused(long length) throws IOException {
        write("model.safetensors", length, GOOD.getBytes(StandardCharsets.UTF_8), 32);
        assertThatThrownBy(this::open).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("expected a header of 2 to").hasMessageContaining(Long.toUnsignedString(length));
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 7 })
    void filesTooShortForAHeaderAreRefused(int bytes) throws IOException {
        Files.write(directory.resolve("model.safetensors"), new byte[bytes]);
        assertThatThrownBy(this::open).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("expected at least 8 bytes, found " + bytes);
    }
}
