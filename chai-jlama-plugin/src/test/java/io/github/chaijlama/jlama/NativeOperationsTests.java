// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

class NativeOperationsTests {
    private static final String CLASS = "com/github/tjake/jlama/tensor/operations/NativeSimdTensorOperations.class";

    @TempDir
    private Path directory;

    @Test
    void aJarThatWasPackedAnewWithoutItsVersionsIsNamed() throws IOException {
        Path classes = directory.resolve("META-INF/versions/22").resolve(CLASS);
        Files.createDirectories(classes.getParent());
        Files.write(classes, new byte[8]);
        try (URLClassLoader loader = new URLClassLoader(new URL[]{ directory.toUri().toURL() },
                ClassLoader.getPlatformClassLoader())) {
            assertThat(NativeOperations.obstacle(loader, directory)).get().asString()
                    .contains("'Multi-Release: true'").doesNotContain("jlama-native");
        }
    }

    @Test
    void whoDoesNotHaveTheLibraryGetsJlamasAdvice() {
        assertThat(NativeOperations.obstacle(ClassLoader.getPlatformClassLoader(), directory)).isEmpty();
    }

    @Test
    void aDirectoryThatCannotBeWrittenToIsNamed() throws IOException {
        ClassLoader loader = getClass().getClassLoader();
        assumeTrue(loader.getResource("META-INF/versions/22/" + CLASS) != null || loader.getResource(CLASS) != null,
                "Jlama's library is not on this class path");
        Path file = Files.writeString(directory.resolve("file"), "");
        for (Path impossible : new Path[]{ file, directory.resolve("missing") }) {
            assertThat(NativeOperations.obstacle(loader, impossible)).get().asString()
                    .contains("it is unpacked into " + impossible).contains("-Djava.io.tmpdir");
        }
        assertThat(NativeOperations.obstacle(loader, directory)).isEmpty();
    }
}
