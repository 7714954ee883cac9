// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.files;

import java.io.IOException;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.SmallFileSystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

class AtomicFileTests {
    @TempDir
    Path directory;

    @Test
    void replacesAFile() throws IOException {
        Path file = directory.resolve("file");
        AtomicFile.write(file, "old");
        AtomicFile.write(file, "new");

        assertThat(file).hasContent("new");
        assertThat(directory.toFile().list()).containsExactly("file");
    }

    @Test
    void aMissingDirectoryIsNamed() {
        IOException failure = catchThrowableOfType(IOException.class,
                () -> AtomicFile.write(directory.resolve("none").resolve("file"), "text"));

        assertThat(AtomicFile.reason(failure)).contains("none").endsWith("does not exist");
    }

    @Test
    void aFullDiskLeavesTheOldFileAndNothingElse() throws Exception {
        try (SmallFileSystem small = SmallFileSystem.mount(directory, 8)) {
            Path file = small.path().resolve("file");
            AtomicFile.write(file, "old");

            IOException failure = catchThrowableOfType(IOException.class,
                    () -> AtomicFile.write(file, "x".repeat(100_000)));

            assertThat(AtomicFile.reason(failure)).isEqualTo("No space left on device");
            assertThat(file).hasContent("old");
            assertThat(small.path().toFile().list()).containsExactly("file");
        }
    }
}
