// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorNames;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.model.WeightRole;
import io.github.chaijlama.parallel.WorkerPool;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Weights that are broken, by accident or on purpose: one sentence that names the file, and nothing is left mapped. */
@Timeout(60)
class HostileWeightsTests {
    private static final int MAX_MESSAGE = 1000;
    private static final String HEADER = """
            {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}""";
    private static final String OTHER = HEADER.replace("\"a\"", "\"b\"");

    @TempDir
    Path directory;
    private Path single;
    private Path index;

    @BeforeEach
    void namePaths() {
        single = directory.resolve("model.safetensors");
        index = directory.resolve("model.safetensors.index.json");
    }

    private static byte[] file(byte[] header, long headerLength, int dataBytes) {
        return ByteBuffer.allocate(Long.BYTES + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN)
                .putLong(headerLength).put(header).array();
    }

    private static byte[] file(String header, int dataBytes) {
        byte[] bytes = header.getBytes(StandardCharsets.UTF_8);
        return file(bytes, bytes.length, dataBytes);
    }

    private StoredWeights open(Map<TensorPart, WeightRole> roles) {
        return StoredWeights.open(directory, roles, TensorNames.PLAIN, new WorkerPool(1));
    }

    private void assertLoads(String... tensors) {
        Map<TensorPart, WeightRole> roles = Arrays.stream(tensors)
                .collect(Collectors.toMap(tensor -> TensorPart.matrix(tensor, 2, 3), _ -> WeightRole.MATRIX));
        try (StoredWeights weights = open(roles)) {
            weights.prepare(new WeightFormats(EnumSet.of(WeightFormat.F32), EnumSet.of(WeightFormat.F32)),
                    (_, _) -> {});
            for (TensorPart part : roles.keySet()) {
                assertThat(weights.weight(part).data().get(JAVA_FLOAT_UNALIGNED, 20)).isZero();
            }
        }
    }

    private void assertRefused(Path named, String message) {
        Throwable thrown = catchThrowable(() -> open(Map.of()).close());
        assertThat(thrown).isInstanceOf(ModelLoadException.class).hasMessageContaining(named.toString())
                .hasMessageContaining(message);
        assertThat(thrown.getMessage()).hasSizeLessThan(MAX_MESSAGE).doesNotContain("\n", "\r", "\0");
    }

    @Test
    void filesCutShortAnywhereAreRefused() throws IOException {
        byte[] whole = file(HEADER, 24);
        for (int length = 0; length < whole.length; length++) {
            Files.write(single, Arrays.copyOf(whole, length));
            assertRefused(single, "is not a whole safetensors file: ");
        }
        Files.write(single, whole);
        assertLoads("a");
        Files.write(single, Arrays.copyOf(whole, whole.length + 1));
        assertRefused(single, "its tensors end at byte 24 of the data, expected 25, the end of the file");
    }

    @Test
    void headersAboveTheLimitAreRefused() throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(single.toFile(), "rw")) {
            file.write(file(HEADER.getBytes(StandardCharsets.UTF_8), 100_000_001, 24));
            file.setLength(200_000_000); // a hole, no space on the disk
        }
        assertRefused(single, "expected a header of 2 to 100000000 bytes, found 100000001");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"format":"pt"}  | 7                    | expected an object as '__metadata__', found 7
            {"format":"pt"}  | null                 | expected an object as '__metadata__', found null
            {"format":"pt"}  | {"format":7}         | expected a string as 'format' of '__metadata__', found 7
            {"format":"pt"}  | {"a":"","a":""}      | Duplicate field 'a'
            {"format":"pt"}  | {"a":"\\ud800\\u0000"} | works
            {"format":"pt"}  | {}                   | works
            "__metadata__":{"format":"pt"}, | ``    | works
            __metadata__     | __METADATA__         | tensor __METADATA__ has 'dtype' nothing, expected a string
            {"dtype":"F32","shape":[2,3],"data_offsets":[0,24]} | [0,24] | tensor a is [0,24], expected an object
            "F32"            | "F33"                | works
            "F32"            | 32                   | tensor a has 'dtype' 32, expected a string
            "F32"            | "Q4"                 | has 24 bytes, expected 3
            "F32"            | "F64"                | has 24 bytes, expected 48
            [2,3]            | [0,3]                | has 24 bytes, expected 0
            [2,3]            | []                   | has 24 bytes, expected 4
            [2,3]            | {"0":2,"1":3}        | tensor a has no list 'shape'
            [2,3]            | ["2",3]              | expected whole numbers
            [2,3]            | [2,3.0]              | expected whole numbers
            [2,3]            | [2,null]             | expected whole numbers
            [2,3]            | [4294967296,4294967296] | expected more than 2^63
            [2,3]            | [99999999999999999999999] | expected whole numbers
            [0,24]           | [0,24,24]            | expected a start and an end
            [0,24]           | [24,0]               | expected a start and an end
            [0,24]           | [0,9223372036854775807] | expected a start and an end
            [0,24]           | [-24,0]              | expected whole numbers
            [0,24]           | [0,1e1]              | expected whole numbers
            [0,24]           | [0,NaN]              | its header is not JSON
            {"__metadata__"  | [{"__metadata__"     | its header is not JSON
            [0,24]}}         | [0,24]}} {}          | its header is not JSON
            [0,24]}}         | [0,24]}}/**/         | its header is not JSON
            """)
    void headersThatAreWrongSayHow(String original, String mistake, String message) throws IOException {
        assertThat(HEADER).contains(original);
        Files.write(single, file(HEADER.replace(original, mistake), 24));
        if (message.equals("works")) {
            open(Map.of()).close();
        } else {
            assertRefused(single, message);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "[]", "null", "7", "\"a\"", "  ", "{", "{]", "\0\0\0\0", "{\"a\"}" })
    void headersThatAreNoObjectAreRefused(String header) throws IOException {
        Files.write(single, file(header, 24));
        assertRefused(single, "header");
    }

    @Test
    void headersOfNestedListsAndLongTextsAreRefusedInOneLine() throws IOException {
        Files.write(single, file("[".repeat(1_000_000), 0));
        assertRefused(single, "its header is not JSON");
        Files.write(single, file("{\"a\":" + "{\"a\":".repeat(100_000), 0));
        assertRefused(single, "its header is not JSON");
        Files.write(single, file(HEADER.replace("[0,24]", "[" + "0,".repeat(200_000) + "24]"), 24));
        assertRefused(single, "tensor a has 'data_offsets' [0,0,");
        Files.write(single, file(HEADER.replace("\"F32\"", "\"" + "F".repeat(1_000_000) + "\""), 24));
        open(Map.of()).close();
        Files.write(single, file(HEADER.replace("\"a\"", "\"" + "a\\n\\r\\u0000".repeat(10_000) + "\"").replace("24",
                "25"), 24));
        assertRefused(single, "expected a start and an end");
        Files.write(single, file("{\"a\":1" + "0".repeat(2_000_000) + "}", 0));
        assertRefused(single, "its header is not JSON");
        byte[] invalid = file(HEADER, 24);
        invalid[30] = (byte) 0xff;
        Files.write(single, invalid);
        assertRefused(single, "its header is not JSON");
    }

    @Test
    void rangesMustFillTheDataOnce() throws IOException {
        String two = HEADER.substring(0, HEADER.length() - 1) + "," + OTHER.substring(OTHER.indexOf("\"b\""));
        String second = two.replaceAll("(.*)\\[0,24\\]", "$1[24,48]");
        Files.write(single, file(second, 48));
        assertLoads("a", "b");
        Files.write(single, file(two, 24));
        assertRefused(single, "the bytes of tensor b overlap those of tensor a");
        Files.write(single, file(second.replace("[24,48]", "[23,47]"), 48));
        assertRefused(single, "the bytes of tensor b overlap those of tensor a");
        Files.write(single, file(second.replace("[24,48]", "[25,49]"), 49));
        assertRefused(single, "no tensor has the bytes from 24 to 25, where tensor b begins");
        Files.write(single, file(second.replace("[0,24]", "[24,48]").replaceAll("(.*)\\[24,48\\]", "$1[0,24]"), 48));
        assertLoads("a", "b"); // the order of the header is not that of the data
    }

    /** Jlama's files have headers of any length. */
    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 2, 3, 4, 5, 6, 7 })
    void dataMayBeginAtAnyByte(int spaces) throws IOException {
        Files.write(single, file(HEADER + " ".repeat(spaces), 24));
        assertLoads("a");
    }

    @Test
    void tensorsOfNoValuesAreRefusedWhenTheyAreNeeded() throws IOException {
        String header = HEADER.replace("[2,3]", "[%d,%d]").replace("24", "%d");
        Files.write(single, file(header.formatted(0, 1L << 30, 0), 0));
        open(Map.of()).close(); // not needed, not refused
        TensorPart part = new TensorPart("a", List.of(0L, 1L << 30), 0, 1, 1, false, 0, 1, 1);
        assertThat(catchThrowable(() -> open(Map.of(part, WeightRole.MATRIX)))).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("tensor a has 0 values in rows of 1073741824, expected 1 to 2147483647 rows");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            not json                                          | is not JSON
            ``                                                | must hold a JSON object
            []                                                | must hold a JSON object, found ARRAY
            {"weight_map":[]}                                 | has no 'weight_map' object
            {"weight_map":{}}                                 | has no 'weight_map' object
            {"weight_map":{"a":7}}                            | says that tensor a is in 7, expected the name of a file
            {"weight_map":{"a":null}} | says that tensor a is in null, expected the name of a file
            {"weight_map":{"a":"1.st","a":"2.st"}}            | is not JSON: Duplicate field 'a'
            {"weight_map":{"a":"1.st"},"weight_map":{}}       | is not JSON: Duplicate field 'weight_map'
            {"weight_map":{"a":"1.st"}} {}                    | is not JSON
            {"weight_map":{"a":"1.st","b":"1.st"}}            | says that tensor b is in 1.st, it is not
            {"weight_map":{"a":"/etc/passwd"}}                | names the shard /etc/passwd, which is outside
            {"weight_map":{"a":"x/../../1.st"}}               | names the shard x/../../1.st, which is outside
            {"weight_map":{"a":"\\u0000"}}                    | names the shard '?', expected the name of a file
            """)
    void indexesThatAreWrongSayHow(String json, String message) throws IOException {
        Files.write(directory.resolve("1.st"), file(HEADER, 24));
        Files.write(directory.resolve("2.st"), file(OTHER, 24));
        Files.writeString(index, "{\"weight_map\":{\"a\":\"1.st\",\"b\":\"2.st\"}}");
        assertLoads("a", "b");
        Files.writeString(index, json);
        assertRefused(index, message);
    }

    @Test
    void shardsThatAreWrongSayHow() throws IOException {
        Path first = Files.write(directory.resolve("1.st"), file(HEADER, 24));
        Path second = directory.resolve("2.st");
        Files.writeString(index, "{\"weight_map\":{\"a\":\"1.st\",\"b\":\"2.st\"}}");
        assertRefused(second, "does not exist");
        Files.write(second, file(HEADER, 24));
        assertRefused(second, "holds tensor a, as another shard does");
        Files.write(second, file(OTHER, 23));
        assertRefused(second, "is not a whole safetensors file");
        Files.delete(second);
        Files.createDirectory(second);
        assertRefused(second, "must be a file, found a directory");
        Files.delete(second);
        Files.createSymbolicLink(second, second);
        assertRefused(second, "is a link to a file that does not exist");
        Files.writeString(index, "{\"weight_map\":{\"a\":\"1.st\",\"b\":\"\"}}");
        assertRefused(index, "names the shard '', expected the name of a file");
        Files.writeString(index, "{\"weight_map\":{\"a\":\"" + "long".repeat(1000) + "\"}}");
        assertRefused(index, "(4000 characters)', expected the name of a file");
        Files.writeString(index, "{\"weight_map\":{\"a\":\".\"}}");
        assertRefused(directory, "must be a file, found a directory");
        Files.writeString(index, "{\"weight_map\":{\"a\":\"./1.st\"}}");
        assertLoads("a");
        assertThat(first).exists();
    }

    @Test
    void directoriesInsteadOfFilesAreRefused() throws IOException {
        Files.createDirectory(single);
        assertRefused(single, "must be a file, found a directory");
        Files.delete(single);
        Files.createDirectory(index);
        assertRefused(index, "must be a file, found a directory");
    }

    /** Saving a model in one file leaves the index of its former shards behind. */
    @Test
    void aSingleFileWinsOverAnIndex() throws IOException {
        Files.write(single, file(HEADER, 24));
        Files.writeString(index, "{\"weight_map\":{\"a\":\"gone.st\"}}");
        assertLoads("a");
    }

    /** As Hugging Face's cache has it: all files of a snapshot are links into a directory of blobs. */
    @Test
    void linksAreFollowed() throws IOException {
        Path blobs = Files.createDirectories(directory.resolve("blobs"));
        Path snapshot = Files.createDirectories(directory.resolve("snapshots/main"));
        Files.write(blobs.resolve("11"), file(HEADER, 24));
        Files.write(blobs.resolve("22"), file(OTHER, 24));
        Files.writeString(blobs.resolve("33"), "{\"weight_map\":{\"a\":\"1.st\",\"b\":\"2.st\"}}");
        Files.createSymbolicLink(snapshot.resolve("1.st"), Path.of("../../blobs/11"));
        Files.createSymbolicLink(snapshot.resolve("2.st"), Path.of("../../blobs/22"));
        Files.createSymbolicLink(snapshot.resolve("model.safetensors.index.json"), Path.of("../../blobs/33"));
        Path link = Files.createSymbolicLink(directory.resolve("model"), snapshot);
        TensorPart a = TensorPart.matrix("a", 2, 3);
        TensorPart b = TensorPart.matrix("b", 2, 3);
        StoredWeights
                .open(link, Map.of(a, WeightRole.MATRIX, b, WeightRole.MATRIX), TensorNames.PLAIN, new WorkerPool(1))
                .close();
        Files.delete(snapshot.resolve("model.safetensors.index.json"));
        Files.createSymbolicLink(snapshot.resolve("model.safetensors"), Path.of("../../blobs/11"));
        StoredWeights.open(link, Map.of(a, WeightRole.MATRIX), TensorNames.PLAIN, new WorkerPool(1)).close();
    }

    @Test
    void linksToNowhereAreNamed() throws IOException {
        Files.createSymbolicLink(single, Path.of("../blobs/11"));
        assertRefused(single, "is a link to a file that does not exist");
        Files.delete(single);
        Files.write(single.resolveSibling("other"), file(HEADER, 24));
        Files.createSymbolicLink(index, Path.of("../blobs/22"));
        assertRefused(index, "is a link to a file that does not exist");
    }

    @Test
    void unreadableFilesAreNamed() throws IOException {
        Files.write(single, file(HEADER, 24));
        assumeTrue(Files.getFileStore(single).supportsFileAttributeView("posix"), "no POSIX permissions here");
        Files.setPosixFilePermissions(single, PosixFilePermissions.fromString("---------"));
        assumeTrue(!Files.isReadable(single), "this user may read everything");
        assertRefused(single, "cannot be read: permission denied");
    }

    /** Opening a pipe waits until somebody writes into it. */
    @Test
    void pipesAreNotOpened() throws Exception {
        Process process;
        try {
            process = new ProcessBuilder("mkfifo", single.toString()).start();
        } catch (IOException e) {
            assumeTrue(false, "no pipes can be made here: " + e.getMessage());
            return;
        }
        assumeTrue(process.waitFor() == 0 && Files.exists(single, LinkOption.NOFOLLOW_LINKS), "mkfifo failed");
        assertRefused(single, "must be a file, found something else");
    }
}
