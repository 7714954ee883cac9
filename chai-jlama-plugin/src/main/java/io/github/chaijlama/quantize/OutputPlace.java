// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.quantize;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import io.github.chaijlama.files.NewDirectory;

/** Where a quantized model may be written to. */
final class OutputPlace {
    private OutputPlace() {}

    /**
     * Checks a place before any work is done: it is free, its parent is a directory, and neither is in the model's.
     *
     * @throws IOException       if it cannot be looked at
     * @throws QuantizeException if the model cannot be written there
     */
    static void require(Path model, Path out) throws IOException {
        Path absolute = out.toAbsolutePath().normalize();
        Path parent = absolute.getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            throw new QuantizeException(out + " must be in a directory that exists");
        }
        if (parent.toRealPath().resolve(absolute.getFileName()).startsWith(model.toRealPath())
                || Files.exists(absolute) && absolute.toRealPath().startsWith(model.toRealPath())) {
            throw new QuantizeException(out + " is in the model's directory, which is left as it is");
        }
        if (!NewDirectory.isFree(absolute)) {
            throw new QuantizeException(
                    out + (Files.isDirectory(absolute) ? " is a directory that is not empty" : " is a file")
                            + ", expected a new or an empty directory");
        }
    }
}
