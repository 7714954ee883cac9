// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** Reads the JSON files of a model directory. */
public final class JsonFiles {
    /** Far above any configuration or index; it keeps a file of another kind from filling the heap. */
    private static final long MAX_BYTES = 100_000_000;
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final ObjectMapper STRICT = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    private JsonFiles() {}

    /**
     * Reads a JSON object.
     *
     * @throws ModelLoadException if the file is missing, unreadable, or holds something else
     */
    public static JsonNode readObject(Path file) {
        return readObject(file, MAPPER);
    }

    /**
     * Reads a JSON object in which no name stands twice and after which nothing follows.
     *
     * @throws ModelLoadException if the file is missing, unreadable, or holds something else
     */
    public static JsonNode readStrictObject(Path file) {
        return readObject(file, STRICT);
    }

    private static JsonNode readObject(Path file, ObjectMapper mapper) {
        requireFile(file);
        try {
            long bytes = Files.size(file);
            if (bytes > MAX_BYTES) {
                throw new ModelLoadException(file + " has " + bytes + " bytes, expected at most " + MAX_BYTES);
            }
            JsonNode node = mapper.readTree(Files.readAllBytes(file));
            if (!node.isObject()) {
                throw new ModelLoadException(file + " must hold a JSON object, found " + node.getNodeType());
            }
            return node;
        } catch (JsonProcessingException e) {
            throw new ModelLoadException(file + " is not JSON: " + Excerpt.of(e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new ModelLoadException(file + " cannot be read: " + reason(e), e);
        }
    }

    /**
     * Checks that a path is a file or a link to one: opening a pipe would wait for ever, and opening a directory says
     * nothing that helps.
     *
     * @throws ModelLoadException if it is not
     */
    public static void requireFile(Path file) {
        if (Files.isRegularFile(file)) {
            return;
        }
        if (Files.isSymbolicLink(file) && !Files.exists(file)) {
            throw new ModelLoadException(file + " is a link to a file that does not exist");
        }
        if (!Files.exists(file)) {
            throw new ModelLoadException(file + " does not exist");
        }
        throw new ModelLoadException(
                file + " must be a file, found " + (Files.isDirectory(file) ? "a directory" : "something else"));
    }

    /** Returns what went wrong with a file, in words: some exceptions only repeat its name. */
    public static String reason(IOException e) {
        return switch (e) {
            case AccessDeniedException _ -> "permission denied";
            case FileSystemException failure when failure.getReason() != null -> failure.getReason();
            default -> Excerpt.of(e.getMessage());
        };
    }
}
