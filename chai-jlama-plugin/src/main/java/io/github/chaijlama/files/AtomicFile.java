// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.files;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;
import java.util.UUID;

/** Replaces files in one step: whoever looks finds the old text or the new one, never a part. */
public final class AtomicFile {

    private AtomicFile() {}

    /**
     * Writes a text to a file, whole or not at all.
     *
     * @throws IOException if it cannot be written, in words for {@link #reason}; an existing file is unchanged then,
     *                     and nothing is left beside it
     */
    public static void write(Path file, String text) throws IOException {
        Path target = file.toAbsolutePath();
        Path temporary = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID());
        try {
            Files.writeString(temporary, text);
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /** Returns what went wrong with a file, in words: some exceptions only repeat its name. */
    public static String reason(IOException e) {
        return switch (e) {
            case AccessDeniedException _ -> "permission denied";
            case NoSuchFileException missing -> missing.getFile() + " does not exist";
            case FileSystemException failure when failure.getReason() != null -> failure.getReason();
            default -> Objects.requireNonNullElseGet(e.getMessage(), e::toString);
        };
    }
}
