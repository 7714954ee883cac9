// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.files;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.UUID;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * A directory that appears whole or not at all: it is filled under another name beside its place, and moved there at
 * the end. What was not moved is deleted on close, and when the JVM ends before that, as by Ctrl-C. Not thread-safe.
 */
public final class NewDirectory implements AutoCloseable {
    /** A writer that has not noticed yet that the JVM ends may put a file into what is being deleted. */
    private static final int DELETE_ATTEMPTS = 10;

    private final Path target;
    private final Path temporary;
    private final Thread deleteAtExit;
    private boolean deleted;

    private NewDirectory(Path target, Path temporary) {
        this.target = target;
        this.temporary = temporary;
        this.deleteAtExit = new Thread(this::deleteTemporary, "new-directory-cleanup");
    }

    /**
     * Begins a directory.
     *
     * @param target where it is to be: nothing is there yet, or an empty directory
     * @throws IOException if nothing can be written beside it, in words for {@link AtomicFile#reason}
     */
    public static NewDirectory begin(Path target) throws IOException {
        Path absolute = target.toAbsolutePath().normalize();
        Path temporary = absolute.resolveSibling("." + absolute.getFileName() + "." + UUID.randomUUID());
        NewDirectory directory = new NewDirectory(absolute, temporary);
        Runtime.getRuntime().addShutdownHook(directory.deleteAtExit);
        try {
            Files.createDirectory(temporary);
        } catch (IOException | RuntimeException e) {
            directory.close();
            throw e;
        }
        return directory;
    }

    /** Returns whether nothing is at a path, or an empty directory. */
    public static boolean isFree(Path target) throws IOException {
        if (!Files.isDirectory(target)) {
            return Files.notExists(target);
        }
        try (Stream<Path> files = Files.list(target)) {
            return files.findAny().isEmpty();
        }
    }

    /** Returns where to write files to. */
    public Path path() {
        return temporary;
    }

    /**
     * Moves what was written to its place.
     *
     * @throws IOException if something is there by now, if it cannot be moved, or was closed; nothing has changed then
     */
    public synchronized void commit() throws IOException {
        if (deleted) { // by the end of the JVM; half of it may be left at this moment
            throw new IOException(target + " was closed before it was whole");
        }
        Files.deleteIfExists(target); // fails unless it is empty
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Deletes what was not moved. */
    @Override
    public void close() {
        deleteTemporary();
        try {
            Runtime.getRuntime().removeShutdownHook(deleteAtExit);
        } catch (IllegalStateException _) {
            // The JVM is ending; the hook finds nothing to do.
        }
    }

    private synchronized void deleteTemporary() {
        deleted = true;
        for (int attempt = 1; Files.exists(temporary); attempt++) {
            try {
                Files.walkFileTree(temporary, new Deletion());
            } catch (IOException e) {
                if (attempt == DELETE_ATTEMPTS) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    private static final class Deletion extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
                return FileVisitResult.CONTINUE;
            }
            throw e;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e) throws IOException {
            if (e != null) {
                throw e;
            }
            Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
        }
    }
}
