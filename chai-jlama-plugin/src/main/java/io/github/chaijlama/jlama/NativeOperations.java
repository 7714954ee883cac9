// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import com.github.tjake.jlama.tensor.operations.TensorOperations;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Jlama's operators, and why its SIMD library is not among them where it is there. Jlama itself then advises to add the
 * library, whatever the reason.
 */
final class NativeOperations {
    private static final Logger logger = LoggerFactory.getLogger(NativeOperations.class);
    /** What calls the library: jlama-native has it in folders for versions of Java only, unlike its operators. */
    private static final String NAME = "com.github.tjake.jlama.tensor.operations.cnative.NativeSimd";
    /** These versions. */
    private static final List<Integer> VERSIONS = List.of(22, 21, 20);
    /** Jlama's switch that leaves the library alone, and with it the advice. */
    private static final String WITHOUT_LIBRARY = "jlama.force_panama_tensor_operations";

    private NativeOperations() {}

    /** Returns the operators that Jlama chooses. */
    static TensorOperations find() {
        if (System.getProperty(WITHOUT_LIBRARY) == null) {
            Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
            obstacle(NativeOperations.class.getClassLoader(), temporary).ifPresent(obstacle -> {
                logger.warn("Jlama's SIMD library is there and cannot be used: {}", obstacle);
                System.setProperty(WITHOUT_LIBRARY, "true");
            });
        }
        return TensorOperationsProvider.get();
    }

    /**
     * Returns what keeps the library from being used, with what to do about it; empty if nothing is known to, or the
     * library is not there.
     *
     * @param loader    finds Jlama's classes
     * @param temporary where Jlama unpacks the library
     */
    static Optional<String> obstacle(ClassLoader loader, Path temporary) {
        boolean inVersions = VERSIONS.stream().anyMatch(version -> loader.getResource(
                "META-INF/versions/" + version + "/" + NAME.replace('.', '/') + ".class") != null);
        if (!isVisible(loader)) {
            return inVersions
                    ? Optional.of("it is in a jar that was packed anew without 'Multi-Release: true' in its manifest, "
                            + "so Java does not see its classes; add that line where the jar is packed")
                    : Optional.empty();
        }
        return Files.isDirectory(temporary) && Files.isWritable(temporary) ? Optional.empty()
                : Optional.of("it is unpacked into " + temporary
                        + ", which is no directory that can be written to; name another with -Djava.io.tmpdir");
    }

    private static boolean isVisible(ClassLoader loader) {
        try {
            Class.forName(NAME, false, loader);
            return true;
        } catch (ClassNotFoundException | LinkageError _) {
            return false;
        }
    }
}
