// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

import com.zaxxer.hikari.HikariDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where conversations are kept. Whoever opens it closes it.
 *
 * @param notice why they end with this process, for people; empty if they do not
 */
record ConversationDatabase(HikariDataSource dataSource, Optional<String> notice) implements AutoCloseable {
    /** In place of a file: conversations are not kept. */
    static final String MEMORY = "memory";

    private static final Logger logger = LoggerFactory.getLogger(ConversationDatabase.class);
    /** H2's code of a file that another process has. */
    private static final int ALREADY_OPEN = 90020;

    /**
     * Opens a database. Where a file is in use or cannot be written, conversations are in memory, and a warning says
     * so.
     *
     * @param place {@value #MEMORY}, a file without its ending, or the URL of a database that begins with
     *              {@code jdbc:}
     * @throws IllegalArgumentException if it cannot be a file
     */
    static ConversationDatabase open(String place, String user, String password) {
        if (place.startsWith("jdbc:")) {
            return new ConversationDatabase(connect(place, user, password), Optional.empty());
        }
        if (place.equals(MEMORY)) {
            return inMemory("Conversations are kept in memory: they end with this process.");
        }
        Path file = file(place);
        try {
            createParent(file);
            String url = "jdbc:h2:file:" + file + ";DB_CLOSE_ON_EXIT=FALSE";
            ConversationDatabase database = new ConversationDatabase(connect(url, "sa", ""), Optional.empty());
            logger.info("Conversations are kept in {}.mv.db", file);
            return database;
        } catch (IOException e) {
            logger.warn("Conversations cannot be kept in {}.mv.db ({}: {}): this process keeps them in memory, they "
                    + "end with it. sample.conversations.store names another file", file, e.getClass().getSimpleName(),
                    e.getMessage());
            return inMemory("The file of conversations cannot be written: they end with this process.");
        } catch (RuntimeException e) {
            if (!isInUse(e)) {
                throw e;
            }
            logger.warn("{}.mv.db is in use by another process: this one keeps its conversations in memory, they end "
                    + "with it. sample.conversations.store gives it a file of its own", file);
            return inMemory("Another process has the file of conversations: those here end with this process.");
        }
    }

    private static Path file(String place) {
        // The semicolon begins H2's settings, of which some run commands.
        if (place.isBlank() || place.contains(";")) {
            throw new IllegalArgumentException(
                    "sample.conversations.store must be a file, memory, or a JDBC URL, found '" + place + "'");
        }
        try {
            return Path.of(place).toAbsolutePath().normalize();
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException(
                    "sample.conversations.store is no possible file: " + e.getMessage(), e);
        }
    }

    /** Conversations are nobody else's business: directories that are made for them are the user's alone. */
    private static void createParent(Path file) throws IOException {
        Path parent = file.getParent();
        if (parent == null) {
            throw new IOException("a file system's root cannot be a file");
        }
        boolean isPosix = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
        FileAttribute<?>[] attributes = isPosix
                ? new FileAttribute<?>[]{ PosixFilePermissions
                        .asFileAttribute(PosixFilePermissions.fromString("rwx------")) }
                : new FileAttribute<?>[0];
        Files.createDirectories(parent, attributes);
        Path existing = Path.of(file + ".mv.db");
        if (!Files.isWritable(Files.exists(existing) ? existing : parent)) {
            throw new IOException("no permission to write");
        }
    }

    private static ConversationDatabase inMemory(String notice) {
        String url = "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1";
        return new ConversationDatabase(connect(url, "sa", ""), Optional.of(notice));
    }

    private static HikariDataSource connect(String url, String user, String password) {
        HikariDataSource database = new HikariDataSource();
        database.setPoolName("conversations");
        database.setJdbcUrl(url);
        database.setUsername(user);
        database.setPassword(password);
        try {
            database.getConnection().close();
            return database;
        } catch (SQLException | RuntimeException e) {
            database.close();
            throw e instanceof RuntimeException known ? known
                    : new IllegalStateException("the database of conversations cannot be opened: " + e.getMessage(),
                            e);
        }
    }

    private static boolean isInUse(Throwable error) {
        return Stream.iterate(error, cause -> cause != null, Throwable::getCause)
                .anyMatch(cause -> cause instanceof SQLException sql && sql.getErrorCode() == ALREADY_OPEN);
    }

    @Override
    public void close() {
        dataSource.close();
    }
}
