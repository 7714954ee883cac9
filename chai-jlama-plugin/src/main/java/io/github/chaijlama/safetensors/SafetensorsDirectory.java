// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.safetensors;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;

import io.github.chaijlama.model.Excerpt;
import io.github.chaijlama.model.JsonFiles;
import io.github.chaijlama.model.ModelDirectory;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

/**
 * Finds the weights of a model directory: {@code model.safetensors}, or the shards that
 * {@code model.safetensors.index.json} names. All of them may be links, as in Hugging Face's cache.
 */
public final class SafetensorsDirectory {
    static final String SINGLE_FILE = "model.safetensors";
    /** The index of shards. */
    public static final String INDEX_FILE = "model.safetensors.index.json";
    private static final int MAX_NAME = 1000;
    private static final Pattern PICKLE = Pattern.compile("pytorch_model.*\\.bin");

    private final Path directory;
    private final Path index;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private SafetensorsDirectory(Path directory) {
        this.directory = directory;
        this.index = directory.resolve(INDEX_FILE);
    }

    /**
     * Maps the weights of a directory.
     *
     * @param arena owns the mappings; closing it unmaps the files
     * @return tensors by name
     * @throws ModelLoadException if a file is missing or broken
     */
    public static Map<String, Entry> map(Path directory, Arena arena) {
        SafetensorsDirectory weights = new SafetensorsDirectory(ModelDirectory.of(directory));
        weights.mapFiles(arena);
        return weights.entries;
    }

    /**
     * Returns what is wrong with the files of weights, each with a sentence.
     *
     * @return empty if {@link #map} maps them
     */
    public static List<String> problems(Path directory) {
        SafetensorsDirectory weights = new SafetensorsDirectory(ModelDirectory.of(directory));
        List<String> problems = new ArrayList<>();
        if (!isPresent(weights.directory.resolve(SINGLE_FILE)) && isPresent(weights.index)) {
            problems(() -> new TreeSet<>(weights.readIndex().values()), problems)
                    .forEach(shard -> problems(() -> weights.mapAlone(shard), problems));
        }
        if (problems.isEmpty()) {
            problems(() -> {
                try (Arena arena = Arena.ofConfined()) {
                    weights.mapFiles(arena);
                    return Set.of();
                }
            }, problems);
        }
        return problems;
    }

    private static Set<String> problems(Supplier<Set<String>> work, List<String> problems) {
        try {
            return work.get();
        } catch (ModelLoadException e) {
            problems.add(String.valueOf(e.getMessage()));
            return Set.of();
        }
    }

    private Set<String> mapAlone(String shard) {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile.map(resolve(shard), arena);
            return Set.of();
        }
    }

    private void mapFiles(Arena arena) {
        // The single file first, as Hugging Face does: saving a model in one file leaves the index of its former shards
        // behind.
        Path single = directory.resolve(SINGLE_FILE);
        if (isPresent(single)) {
            add(SafetensorsFile.map(single, arena));
        } else if (isPresent(index)) {
            mapShards(arena);
        } else {
            throw new ModelLoadException(
                    directory + " has no weights: expected " + SINGLE_FILE + " or " + INDEX_FILE + instead());
        }
    }

    /** Says what to do about weights that other libraries load. */
    private String instead() {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().filter(PICKLE.asPredicate()).findFirst()
                    .map(name -> "; found " + name + ", which transformers writes as safetensors: "
                            + "AutoModelForCausalLM.from_pretrained(directory).save_pretrained(directory)")
                    .orElse("");
        } catch (IOException _) {
            return "";
        }
    }

    /** A link to nowhere is present: it is better to say what is wrong with it than to look for another file. */
    private static boolean isPresent(Path file) {
        return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    }

    private void mapShards(Arena arena) {
        Map<String, String> fileOfTensor = readIndex();
        for (String shard : new TreeSet<>(fileOfTensor.values())) {
            add(SafetensorsFile.map(resolve(shard), arena));
        }
        for (Map.Entry<String, String> tensor : fileOfTensor.entrySet()) {
            if (!entries.containsKey(tensor.getKey())) {
                throw new ModelLoadException(index + " says that tensor " + Excerpt.of(tensor.getKey()) + " is in "
                        + tensor.getValue() + ", it is not");
            }
        }
    }

    private Map<String, String> readIndex() {
        JsonNode map = JsonFiles.readStrictObject(index).path("weight_map");
        if (!map.isObject() || map.isEmpty()) {
            throw new ModelLoadException(index + " has no 'weight_map' object that names the file of each tensor");
        }
        Map<String, String> fileOfTensor = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> tensor : map.properties()) {
            if (!tensor.getValue().isTextual()) {
                throw new ModelLoadException(index + " says that tensor " + Excerpt.of(tensor.getKey()) + " is in "
                        + Excerpt.of(tensor.getValue()) + ", expected the name of a file");
            }
            fileOfTensor.put(tensor.getKey(), tensor.getValue().textValue());
        }
        return fileOfTensor;
    }

    private Path resolve(String shard) {
        Path path = pathOf(shard).orElseThrow(() -> new ModelLoadException(
                index + " names the shard '" + Excerpt.of(shard) + "', expected the name of a file"));
        if (!path.toAbsolutePath().normalize().startsWith(directory.toAbsolutePath().normalize())) {
            throw new ModelLoadException(
                    index + " names the shard " + Excerpt.of(shard) + ", which is outside the model's directory");
        }
        return path;
    }

    /** Returns where a shard would be, empty if no file can have that name. */
    private Optional<Path> pathOf(String shard) {
        try {
            return shard.isEmpty() || shard.length() > MAX_NAME ? Optional.empty()
                    : Optional.of(directory.resolve(shard));
        } catch (InvalidPathException _) {
            return Optional.empty();
        }
    }

    private void add(SafetensorsFile file) {
        for (Entry entry : file.entries().values()) {
            if (entries.putIfAbsent(entry.name(), entry) != null) {
                throw new ModelLoadException(
                        file.path() + " holds tensor " + Excerpt.of(entry.name()) + ", as another shard does");
            }
        }
    }
}
