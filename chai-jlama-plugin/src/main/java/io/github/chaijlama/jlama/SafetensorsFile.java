// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * One safetensors file, mapped into memory. The header is checked completely before a tensor is handed out: every range lies
 * inside the file, none overlaps another, and each is as long as its shape and type say.
 */
final class SafetensorsFile {
    /** The limit of the format's own reference reader. */
    private static final long MAX_HEADER_BYTES = 100_000_000;
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    private final Path path;
    private final Map<String, Entry> entries;

    /**
     * A tensor of the file.
     *
     * @param type   type as the file names it, for instance {@code BF16}
     * @param shape  sizes of its dimensions, the slowest first
     * @param memory its bytes, little endian
     */
    record Entry(String name, String type, long[] shape, MemorySegment memory) {}

    private SafetensorsFile(Path path, Map<String, Entry> entries) {
        this.path = path;
        this.entries = entries;
    }

    /**
     * Maps a file.
     *
     * @param arena owns the mapping; closing it unmaps the file
     * @throws ModelLoadException if the file is missing, unreadable, or not a whole safetensors file
     */
    static SafetensorsFile map(Path path, Arena arena) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            MemorySegment file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return new SafetensorsFile(path, new HeaderReader(path, file).read());
        } catch (NoSuchFileException e) {
            throw new ModelLoadException(path + " does not exist", e);
        } catch (IOException e) {
            throw new ModelLoadException(path + " cannot be read: " + e.getMessage(), e);
        }
    }

    Path path() {
        return path;
    }

    /** Returns the tensors of the file by name. */
    Map<String, Entry> entries() {
        return entries;
    }

    private record HeaderReader(Path path, MemorySegment file) {

        Map<String, Entry> read() {
            if (file.byteSize() < Long.BYTES) {
                throw broken("expected at least 8 bytes, found " + file.byteSize());
            }
            long headerBytes = file.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
            long available = file.byteSize() - Long.BYTES;
            if (headerBytes < 2 || headerBytes > Math.min(available, MAX_HEADER_BYTES)) {
                throw broken("expected a header of 2 to " + Math.min(available, MAX_HEADER_BYTES) + " bytes, found "
                        + Long.toUnsignedString(headerBytes));
            }
            byte[] header = file.asSlice(Long.BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
            MemorySegment data = file.asSlice(Long.BYTES + headerBytes);
            Map<String, Entry> entries = new LinkedHashMap<>();
            List<Range> ranges = new ArrayList<>();
            for (Map.Entry<String, JsonNode> field : parse(header).properties()) {
                if (!field.getKey().equals("__metadata__")) {
                    entries.put(field.getKey(), entry(field.getKey(), field.getValue(), data, ranges));
                }
            }
            checkOverlap(ranges);
            return entries;
        }

        private JsonNode parse(byte[] header) {
            try {
                JsonNode root = MAPPER.readTree(new String(header, StandardCharsets.UTF_8));
                if (!root.isObject()) {
                    throw broken("expected a JSON object as header, found " + root.getNodeType());
                }
                return root;
            } catch (JsonProcessingException e) {
                throw new ModelLoadException(
                        path + " is not a whole safetensors file: its header is not JSON: " + e.getOriginalMessage(),
                        e);
            }
        }

        private Entry entry(String name, JsonNode node, MemorySegment data, List<Range> ranges) {
            String type = node.path("dtype").asText();
            long[] shape = numbers(name, node, "shape");
            long[] offsets = numbers(name, node, "data_offsets");
            if (offsets.length != 2 || offsets[0] > offsets[1] || offsets[1] > data.byteSize()) {
                throw broken("tensor " + name + " has 'data_offsets' " + node.path("data_offsets")
                        + ", expected a start and an end within the " + data.byteSize() + " bytes of data");
            }
            long length = offsets[1] - offsets[0];
            checkLength(name, type, shape, length);
            ranges.add(new Range(name, offsets[0], offsets[1]));
            return new Entry(name, type, shape, data.asSlice(offsets[0], length));
        }

        private long[] numbers(String name, JsonNode node, String key) {
            JsonNode list = node.path(key);
            long[] numbers = new long[list.size()];
            for (int i = 0; i < numbers.length; i++) {
                JsonNode number = list.get(i);
                if (number == null || !number.isIntegralNumber() || !number.canConvertToLong()
                        || number.longValue() < 0) {
                    throw broken("tensor " + name + " has '" + key + "' " + list + ", expected whole numbers");
                }
                numbers[i] = number.longValue();
            }
            if (!list.isArray()) {
                throw broken("tensor " + name + " has no list '" + key + "'");
            }
            return numbers;
        }

        private void checkLength(String name, String type, long[] shape, long length) {
            long elementBytes = switch (type) {
                case "F64", "I64", "U64" -> 8;
                case "F32", "I32", "U32" -> 4;
                case "F16", "BF16", "I16", "U16" -> 2;
                case "I8", "U8", "BOOL" -> 1;
                default -> 0; // a type this reader does not know; it is refused when the tensor is needed
            };
            if (elementBytes == 0) {
                return;
            }
            long expected = elementBytes;
            try {
                for (long size : shape) {
                    expected = Math.multiplyExact(expected, size);
                }
            } catch (ArithmeticException _) {
                expected = -1;
            }
            if (expected != length) {
                throw broken("tensor " + name + " of type " + type + " and shape " + Arrays.toString(shape)
                        + " has " + length + " bytes, expected " + (expected < 0 ? "more than 2^63" : expected));
            }
        }

        private void checkOverlap(List<Range> ranges) {
            ranges.sort(Comparator.comparingLong(Range::start).thenComparingLong(Range::end));
            for (int i = 1; i < ranges.size(); i++) {
                if (ranges.get(i).start() < ranges.get(i - 1).end()) {
                    throw broken("the bytes of tensor " + ranges.get(i).name() + " overlap those of tensor "
                            + ranges.get(i - 1).name());
                }
            }
        }

        private ModelLoadException broken(String what) {
            return new ModelLoadException(path + " is not a whole safetensors file: " + what);
        }
    }

    private record Range(String name, long start, long end) {}
}
