// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;

/** Opens files of texts and tasks. */
final class DataFiles {

    private DataFiles() {}

    /**
     * Reads a file.
     *
     * @param reader leaves the stream open
     * @throws EvaluationException if it cannot be read, or it is no file: opening a pipe would wait for ever
     */
    static <T> T read(Path file, Function<InputStream, T> reader) {
        try (InputStream in = open(file)) {
            return reader.apply(in);
        } catch (IOException e) {
            throw new EvaluationException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static InputStream open(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw new EvaluationException(file + " does not exist");
        }
        if (!Files.isRegularFile(file)) {
            throw new EvaluationException(
                    file + " must be a file, found " + (Files.isDirectory(file) ? "a directory" : "something else"));
        }
        try {
            return Files.newInputStream(file);
        } catch (AccessDeniedException e) {
            throw new EvaluationException(file + " cannot be read: permission denied", e);
        }
    }

    /** Returns the exception for a file that was read to its end and had nothing of use. */
    static EvaluationException nothingIn(LineReader lines, String what) {
        return new EvaluationException(lines.badLines() == 0 ? lines.source() + " is empty: expected " + what
                : lines.source() + " has no " + what + " that can be used: " + lines.badLines() + " bad lines");
    }
}
