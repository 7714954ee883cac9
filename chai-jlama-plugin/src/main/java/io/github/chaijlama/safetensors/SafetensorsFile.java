// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.safetensors;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

import io.github.chaijlama.model.JsonFiles;
import io.github.chaijlama.model.ModelLoadException;

/** One safetensors file, mapped into memory. */
public final class SafetensorsFile {
    private final Path path;
    private final Map<String, Entry> entries;

    /**
     * A tensor of the file.
     *
     * @param type   type as the file names it, for instance {@code BF16}
     * @param shape  sizes of its dimensions, the slowest first
     * @param memory its bytes, little endian, at any alignment
     */
    public record Entry(String name, String type, long[] shape, MemorySegment memory) {}

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
        JsonFiles.requireFile(path);
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            MemorySegment file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return new SafetensorsFile(path, new SafetensorsHeader(path, file).read());
        } catch (IOException e) {
            throw new ModelLoadException(path + " cannot be read: " + JsonFiles.reason(e), e);
        }
    }

    Path path() {
        return path;
    }

    /** Returns the tensors of the file by name. */
    Map<String, Entry> entries() {
        return entries;
    }
}
