// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Optional;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

class NativeOperationsTests {
    private static final String PACKAGE = "com/github/tjake/jlama/tensor/operations/";
    private static final String CLASS = PACKAGE + "NativeSimdTensorOperations.class";

    @TempDir
    private Path directory;

    private URL library() {
        URL operators = getClass().getClassLoader().getResource(CLASS);
        assumeTrue(operators != null, "Jlama's library is not on this class path");
        return operators;
    }

    /** Packs Jlama's library anew. */
    private Path pack(boolean multiRelease) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        if (multiRelease) {
            manifest.getMainAttributes().put(Attributes.Name.MULTI_RELEASE, "true");
        }
        Path packed = directory.resolve("packed.jar");
        JarURLConnection connection = (JarURLConnection) library().openConnection();
        connection.setUseCaches(false); // others have the cached one open
        try (JarFile jar = connection.getJarFile();
                JarOutputStream copy = new JarOutputStream(Files.newOutputStream(packed), manifest)) {
            for (JarEntry entry : Collections.list(jar.entries())) {
                if (entry.getName().contains(PACKAGE) && !entry.isDirectory()) {
                    copy.putNextEntry(new JarEntry(entry.getName()));
                    jar.getInputStream(entry).transferTo(copy);
                }
            }
        }
        return packed;
    }

    @Test
    void aJarThatWasPackedAnewWithoutItsVersionsIsNamed() throws IOException {
        for (boolean multiRelease : new boolean[]{ false, true }) {
            try (URLClassLoader loader = new URLClassLoader(new URL[]{ pack(multiRelease).toUri().toURL() },
                    ClassLoader.getPlatformClassLoader())) {
                Optional<String> obstacle = NativeOperations.obstacle(loader, directory);
                if (multiRelease) {
                    assertThat(obstacle).isEmpty();
                } else {
                    assertThat(obstacle).get().asString().contains("'Multi-Release: true'")
                            .doesNotContain("jlama-native");
                }
            }
        }
    }

    @Test
    void whoDoesNotHaveTheLibraryGetsJlamasAdvice() {
        assertThat(NativeOperations.obstacle(ClassLoader.getPlatformClassLoader(), directory)).isEmpty();
    }

    @Test
    void aDirectoryThatCannotBeWrittenToIsNamed() throws IOException {
        ClassLoader loader = getClass().getClassLoader();
        library();
        Path file = Files.writeString(directory.resolve("file"), "");
        for (Path impossible : new Path[]{ file, directory.resolve("missing") }) {
            assertThat(NativeOperations.obstacle(loader, impossible)).get().asString()
                    .contains("it is unpacked into " + impossible).contains("-Djava.io.tmpdir");
        }
        assertThat(NativeOperations.obstacle(loader, directory)).isEmpty();
    }
}
