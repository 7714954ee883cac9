// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
        Path small = Files.createDirectory(directory.resolve("small"));
        Assumptions.assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", small.toString()),
                "a file system of 8 KiB cannot be mounted here (Linux and root are needed): test skipped");
        try {
            Path file = small.resolve("file");
            AtomicFile.write(file, "old");

            IOException failure = catchThrowableOfType(IOException.class,
                    () -> AtomicFile.write(file, "x".repeat(100_000)));

            assertThat(AtomicFile.reason(failure)).isEqualTo("No space left on device");
            assertThat(file).hasContent("old");
            assertThat(small.toFile().list()).containsExactly("file");
        } finally {
            assertThat(run("umount", small.toString())).isTrue();
        }
    }

    private static boolean run(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException _) {
            return false; // there is no such command
        }
    }
}
