// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.safetensors;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Writes one safetensors file, its tensors' bytes in any order and in pieces. The header is padded with spaces, so that
 * the data begins at a multiple of {@value #ALIGNMENT}. Not thread-safe.
 */
public final class SafetensorsWriter implements AutoCloseable {
    private static final int ALIGNMENT = 64;
    private static final long LARGEST_PIECE = 1 << 30;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final FileChannel channel;
    private final Map<String, Long> positions = new HashMap<>();

    /**
     * A tensor to write.
     *
     * @param type  type as the file names it, for instance {@code BF16}
     * @param shape sizes of its dimensions, the slowest first
     * @param bytes what it takes in the file
     */
    public record Tensor(String name, String type, List<Long> shape, long bytes) {
        public Tensor {
            shape = List.copyOf(shape);
        }
    }

    private SafetensorsWriter(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Creates a file and writes its header.
     *
     * @param tensors in the order of their bytes
     * @throws IOException if it exists, or cannot be written
     */
    public static SafetensorsWriter create(Path file, List<Tensor> tensors) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter(
                FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
        try {
            writer.writeHeader(tensors);
            return writer;
        } catch (IOException | RuntimeException e) {
            writer.channel.close();
            throw e;
        }
    }

    private void writeHeader(List<Tensor> tensors) throws IOException {
        ObjectNode header = MAPPER.createObjectNode();
        long offset = 0;
        for (Tensor tensor : tensors) {
            ObjectNode entry = header.putObject(tensor.name()).put("dtype", tensor.type());
            entry.set("shape", MAPPER.valueToTree(tensor.shape()));
            entry.putArray("data_offsets").add(offset).add(offset + tensor.bytes());
            positions.put(tensor.name(), offset);
            offset += tensor.bytes();
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        int start = Math.ceilDiv(Long.BYTES + json.length, ALIGNMENT) * ALIGNMENT;
        ByteBuffer bytes = ByteBuffer.allocate(start).order(ByteOrder.LITTLE_ENDIAN)
                .putLong(start - Long.BYTES).put(json);
        while (bytes.hasRemaining()) {
            bytes.put((byte) ' ');
        }
        write(bytes.flip(), 0);
        positions.replaceAll((_, position) -> position + start);
    }

    /**
     * Writes bytes of a tensor.
     *
     * @param offset where in the tensor
     * @throws IOException if they cannot be written, in words for a user
     */
    public void write(String tensor, long offset, MemorySegment bytes) throws IOException {
        long position = Objects.requireNonNull(positions.get(tensor), tensor) + offset;
        for (long done = 0; done < bytes.byteSize(); done += LARGEST_PIECE) {
            long length = Math.min(LARGEST_PIECE, bytes.byteSize() - done);
            write(bytes.asSlice(done, length).asByteBuffer(), position + done);
        }
    }

    private void write(ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    /** Waits until what was written is on the disk. */
    public void force() throws IOException {
        channel.force(true);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
