// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.safetensors;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
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

import io.github.chaijlama.model.Excerpt;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

/**
 * Reads the header of a safetensors file, and checks it completely before a tensor is handed out: the tensors' ranges
 * fill the data of the file without gap or overlap, and each is as long as its shape and type say. Ranges may begin at
 * any byte: Jlama does not pad the headers it writes.
 */
final class SafetensorsHeader {
    /** The limit of the format's own reference reader. */
    private static final long MAX_HEADER_BYTES = 100_000_000;
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    private final Path path;
    private final MemorySegment file;

    private record Range(String name, long start, long end) {}

    /** Creates a reader of a file that is mapped already. */
    SafetensorsHeader(Path path, MemorySegment file) {
        this.path = path;
        this.file = file;
    }

    /**
     * Returns the tensors of the file by name, in the order of the header.
     *
     * @throws ModelLoadException if the header is broken, or does not fit the file
     */
    Map<String, Entry> read() {
        if (file.byteSize() < Long.BYTES) {
            throw broken("expected at least 8 bytes, found " + file.byteSize());
        }
        long headerBytes = file.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
        long available = Math.min(file.byteSize() - Long.BYTES, MAX_HEADER_BYTES);
        if (headerBytes < 2 || headerBytes > available) {
            throw broken("expected a header of 2 to " + available + " bytes, found "
                    + Long.toUnsignedString(headerBytes));
        }
        byte[] header = file.asSlice(Long.BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
        MemorySegment data = file.asSlice(Long.BYTES + headerBytes);
        Map<String, Entry> entries = new LinkedHashMap<>();
        List<Range> ranges = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : parse(header).properties()) {
            if (field.getKey().equals("__metadata__")) {
                checkMetadata(field.getValue());
            } else {
                entries.put(field.getKey(), entry(field.getKey(), field.getValue(), data, ranges));
            }
        }
        checkRanges(ranges, data.byteSize());
        return entries;
    }

    private JsonNode parse(byte[] header) {
        try {
            JsonNode root = MAPPER.readTree(header);
            if (!root.isObject()) {
                throw broken("expected a JSON object as header, found " + root.getNodeType());
            }
            return root;
        } catch (JsonProcessingException e) {
            throw new ModelLoadException(message("its header is not JSON: " + Excerpt.of(e.getOriginalMessage())), e);
        } catch (IOException e) {
            throw new ModelLoadException(message("its header is not JSON: " + Excerpt.of(e.getMessage())), e);
        }
    }

    private void checkMetadata(JsonNode metadata) {
        if (!metadata.isObject()) {
            throw broken("expected an object as '__metadata__', found " + Excerpt.of(metadata));
        }
        for (Map.Entry<String, JsonNode> field : metadata.properties()) {
            if (!field.getValue().isTextual()) {
                throw broken("expected a string as '" + Excerpt.of(field.getKey()) + "' of '__metadata__', found "
                        + Excerpt.of(field.getValue()));
            }
        }
    }

    private Entry entry(String name, JsonNode node, MemorySegment data, List<Range> ranges) {
        if (!node.isObject()) {
            throw broken("tensor " + Excerpt.of(name) + " is " + Excerpt.of(node) + ", expected an object");
        }
        JsonNode type = node.path("dtype");
        if (!type.isTextual()) {
            throw broken("tensor " + Excerpt.of(name) + " has 'dtype' " + Excerpt.of(type) + ", expected a string");
        }
        long[] shape = numbers(name, node, "shape");
        long[] offsets = numbers(name, node, "data_offsets");
        if (offsets.length != 2 || offsets[0] > offsets[1] || offsets[1] > data.byteSize()) {
            throw broken("tensor " + Excerpt.of(name) + " has 'data_offsets' " + Excerpt.of(node.path("data_offsets"))
                    + ", expected a start and an end within the " + data.byteSize() + " bytes of data");
        }
        long length = offsets[1] - offsets[0];
        checkLength(name, type.textValue(), shape, length);
        ranges.add(new Range(name, offsets[0], offsets[1]));
        return new Entry(name, type.textValue(), shape, data.asSlice(offsets[0], length));
    }

    private long[] numbers(String name, JsonNode node, String key) {
        JsonNode list = node.path(key);
        if (!list.isArray()) {
            throw broken("tensor " + Excerpt.of(name) + " has no list '" + key + "'");
        }
        long[] numbers = new long[list.size()];
        for (int i = 0; i < numbers.length; i++) {
            JsonNode number = list.get(i);
            if (!number.isIntegralNumber() || !number.canConvertToLong() || number.longValue() < 0) {
                throw broken("tensor " + Excerpt.of(name) + " has '" + key + "' " + Excerpt.of(list)
                        + ", expected whole numbers");
            }
            numbers[i] = number.longValue();
        }
        return numbers;
    }

    private void checkLength(String name, String type, long[] shape, long length) {
        long halfBytes = switch (type) {
            case "F64", "I64", "U64" -> 16;
            case "F32", "I32", "U32" -> 8;
            case "F16", "BF16", "I16", "U16" -> 4;
            case "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0" -> 2;
            case "Q4" -> 1;
            default -> 0; // a type this reader does not know; it is refused when the tensor is needed
        };
        long elements = 1;
        try {
            for (long size : shape) {
                elements = Math.multiplyExact(elements, size);
            }
            long expected = Math.ceilDiv(Math.multiplyExact(elements, halfBytes), 2L);
            if (halfBytes != 0 && expected != length) {
                throw wrongLength(name, type, shape, length, Long.toString(expected));
            }
        } catch (ArithmeticException _) {
            throw wrongLength(name, type, shape, length, "more than 2^63");
        }
    }

    private ModelLoadException wrongLength(String name, String type, long[] shape, long length, String expected) {
        return broken("tensor " + Excerpt.of(name) + " of type " + type + " and shape "
                + Excerpt.of(Arrays.toString(shape)) + " has " + length + " bytes, expected " + expected);
    }

    private void checkRanges(List<Range> ranges, long dataBytes) {
        ranges.sort(Comparator.comparingLong(Range::start).thenComparingLong(Range::end));
        Range previous = new Range("", 0, 0);
        for (Range range : ranges) {
            if (range.start() < previous.end()) {
                throw broken("the bytes of tensor " + Excerpt.of(range.name()) + " overlap those of tensor "
                        + Excerpt.of(previous.name()));
            }
            if (range.start() > previous.end()) {
                throw broken("no tensor has the bytes from " + previous.end() + " to " + range.start()
                        + ", where tensor " + Excerpt.of(range.name()) + " begins");
            }
            previous = range;
        }
        if (previous.end() < dataBytes) {
            throw broken("its tensors end at byte " + previous.end() + " of the data, expected " + dataBytes
                    + ", the end of the file");
        }
    }

    private ModelLoadException broken(String what) {
        return new ModelLoadException(message(what));
    }

    private String message(String what) {
        return path + " is not a whole safetensors file: " + what;
    }
}
