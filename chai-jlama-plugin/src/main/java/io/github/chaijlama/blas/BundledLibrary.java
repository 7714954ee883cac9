// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.blas;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.net.URL;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A native library on the class path. It is written to a directory that only this user can read, loaded, and deleted
 * again; Windows refuses to delete what is loaded, and there a later start does it.
 *
 * @param directory where the files are on the class path
 * @param files     the library, behind those it depends on that may come with it
 */
record BundledLibrary(String directory, List<String> files) {
    private static final Logger logger = LoggerFactory.getLogger(BundledLibrary.class);
    private static final String PREFIX = "chai-blas-";
    /** Nobody is still unpacking then. */
    private static final Duration LEFTOVER = Duration.ofDays(1);

    /** Returns where the library is on the class path. */
    String resource() {
        return directory + files.getLast();
    }

    private static @Nullable URL find(String resource) {
        return BundledLibrary.class.getClassLoader().getResource(resource);
    }

    /**
     * Loads the library for as long as the JVM runs; empty if it is not on the class path.
     *
     * @throws UncheckedIOException     if it cannot be written
     * @throws IllegalArgumentException if the machine cannot load it
     */
    @SuppressWarnings("restricted")
    Optional<SymbolLookup> load() {
        if (find(resource()) == null) {
            return Optional.empty();
        }
        try {
            deleteLeftovers();
            Path unpacked = Files.createTempDirectory(PREFIX);
            try {
                Optional<SymbolLookup> symbols = Optional.empty();
                for (String file : files) {
                    @Nullable URL found = find(directory + file);
                    if (found != null) {
                        Path copy = unpacked.resolve(file);
                        try (InputStream in = found.openStream()) {
                            Files.copy(in, copy);
                        }
                        // One after the other: a library finds what it depends on among those that are loaded.
                        symbols = Optional.of(SymbolLookup.libraryLookup(copy, Arena.global()));
                    }
                }
                return symbols;
            } finally {
                delete(unpacked);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void deleteLeftovers() throws IOException {
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(temporary, PREFIX + "*")) {
            for (Path leftover : leftovers) {
                if (Files.getLastModifiedTime(leftover).toInstant().isBefore(Instant.now().minus(LEFTOVER))) {
                    delete(leftover);
                }
            }
        }
    }

    private static void delete(Path directory) {
        try {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
                for (Path file : files) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        } catch (IOException e) {
            logger.debug("{} stays behind: {}", directory, e.toString());
        }
    }
}
