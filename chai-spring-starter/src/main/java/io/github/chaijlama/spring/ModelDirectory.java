// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.io.Resource;
import org.springframework.core.io.ResourceLoader;
import org.springframework.util.ResourceUtils;

import io.github.chaijlama.model.ModelLoadException;

/**
 * The directory a model is loaded from. Weights are mapped into memory, which needs files: a model inside a jar is
 * copied to a temporary directory first, and deleted when it is no longer used.
 *
 * @param path      the directory
 * @param name      its name, where the configuration has it
 * @param temporary whether the directory is a copy
 */
record ModelDirectory(Path path, String name, boolean temporary) {
    private static final Logger logger = LoggerFactory.getLogger(ModelDirectory.class);
    private static final String INDEX = "model.safetensors.index.json";
    /** What a model in Hugging Face layout may consist of, shards apart. */
    private static final List<String> FILES = List.of("config.json", "generation_config.json", "tokenizer.json",
            "tokenizer_config.json", "chat_template.jinja", "additional_chat_templates/tool_use.jinja",
            "model.safetensors",
            INDEX);
    private static final Pattern SHARD = Pattern.compile("\"([^\"/\\\\]+\\.safetensors)\"");

    /**
     * Finds the directory.
     *
     * @param location a directory, or {@code classpath:} and the name of one on the class path
     */
    static ModelDirectory resolve(String location, ResourceLoader resourceLoader) {
        try {
            if (location.startsWith(ResourceUtils.CLASSPATH_URL_PREFIX)) {
                return onClassPath(location, resourceLoader);
            }
            Path path = ResourceUtils.isUrl(location) ? resourceLoader.getResource(location).getFile().toPath()
                    : Path.of(location);
            return new ModelDirectory(path, nameOf(path.toAbsolutePath().normalize()), false);
        } catch (InvalidPathException | FileNotFoundException e) {
            throw new MissingModelException(location, "this is not a directory of the file system: " + e.getMessage());
        } catch (IOException e) {
            throw new ModelLoadException("the model " + location + " cannot be read: " + e, e);
        }
    }

    private static ModelDirectory onClassPath(String location, ResourceLoader resourceLoader) throws IOException {
        String directory = location.endsWith("/") ? location.substring(0, location.length() - 1) : location;
        String name = directory.substring(Math.max(directory.lastIndexOf('/'), directory.indexOf(':')) + 1);
        Resource config = resourceLoader.getResource(directory + "/config.json");
        if (!config.exists()) {
            throw new MissingModelException(location,
                    "there is no such directory with a config.json on the class path");
        }
        if (config.isFile()) {
            return new ModelDirectory(Objects.requireNonNull(config.getFile().toPath().getParent()), name, false);
        }
        ModelDirectory copy = new ModelDirectory(temporaryDirectory(location), name, true);
        try {
            logger.info("Copying the model {} to {}: weights are mapped from files", location, copy.path());
            for (String file : FILES) {
                copy.copyIfPresent(resourceLoader.getResource(directory + "/" + file), file);
            }
            Path index = copy.path().resolve(INDEX);
            if (Files.exists(index)) {
                for (String shard : shards(Files.readString(index))) {
                    copy.copyIfPresent(resourceLoader.getResource(directory + "/" + shard), shard);
                }
            }
            return copy;
        } catch (IOException | RuntimeException e) {
            copy.deleteIfTemporary();
            throw e;
        }
    }

    private static Path temporaryDirectory(String location) {
        try {
            return Files.createTempDirectory("chai-model");
        } catch (IOException e) {
            throw new ModelLoadException("the model " + location + " cannot be copied out of its jar: "
                    + System.getProperty("java.io.tmpdir") + " is no directory that can be written to; name another "
                    + "with -Djava.io.tmpdir", e);
        }
    }

    private void copyIfPresent(Resource resource, String file) throws IOException {
        if (resource.exists()) {
            try (InputStream in = resource.getInputStream()) {
                Path copy = path.resolve(file);
                Files.createDirectories(Objects.requireNonNull(copy.getParent()));
                Files.copy(in, copy);
            }
        }
    }

    /** A jar need not list its directories; the names of shards are in the index. */
    private static Set<String> shards(String index) {
        return SHARD.matcher(index).results().map(match -> match.group(1)).collect(Collectors.toSet());
    }

    private static String nameOf(Path path) {
        return path.getFileName() == null ? path.toString() : path.getFileName().toString();
    }

    /** Deletes the directory if it is a copy. */
    void deleteIfTemporary() {
        if (!temporary) {
            return;
        }
        try (Stream<Path> files = Files.walk(path)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) { // what is in a directory before it
                Files.delete(file);
            }
        } catch (IOException e) {
            logger.warn("The copy of the model in {} could not be deleted: {}", path, e.getMessage());
        }
    }
}
