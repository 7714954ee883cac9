// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.TreeSet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.tjake.jlama.model.DistributedContext;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.TensorInfo;
import com.github.tjake.jlama.safetensors.WeightLoader;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.BFloat16BufferTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.TensorShape;

/**
 * The weights of a model directory, mapped into memory: {@code model.safetensors}, or the shards that {@code
 * model.safetensors.index.json} names. Unlike Jlama's loader it checks the files first and unmaps them on close.
 */
final class SafetensorsWeights implements WeightLoader {
    private static final String SINGLE_FILE = "model.safetensors";
    private static final String INDEX_FILE = "model.safetensors.index.json";

    private final Path directory;
    private final Arena arena = Arena.ofShared();
    private final Map<String, SafetensorsFile.Entry> entries = new LinkedHashMap<>();
    private final Map<String, TensorInfo> infos = new LinkedHashMap<>();

    private SafetensorsWeights(Path directory) {
        this.directory = directory;
    }

    /**
     * Maps the weights of a directory.
     *
     * @throws ModelLoadException if a file is missing or broken
     */
    static SafetensorsWeights open(Path directory) {
        SafetensorsWeights weights = new SafetensorsWeights(directory);
        try {
            weights.mapFiles();
            return weights;
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    private void mapFiles() {
        Path index = directory.resolve(INDEX_FILE);
        if (!Files.exists(index)) {
            Path single = directory.resolve(SINGLE_FILE);
            if (!Files.exists(single)) {
                throw new ModelLoadException(
                        directory + " has no weights: expected " + SINGLE_FILE + " or " + INDEX_FILE);
            }
            add(SafetensorsFile.map(single, arena));
            return;
        }
        Map<String, String> fileOfTensor = readIndex(index);
        for (String shard : new TreeSet<>(fileOfTensor.values())) {
            Path path = directory.resolve(shard);
            if (!path.toAbsolutePath().normalize().startsWith(directory.toAbsolutePath().normalize())) {
                throw new ModelLoadException(
                        index + " names the shard " + shard + ", which is outside the model's directory");
            }
            add(SafetensorsFile.map(path, arena));
        }
        for (Map.Entry<String, String> tensor : fileOfTensor.entrySet()) {
            if (!entries.containsKey(tensor.getKey())) {
                throw new ModelLoadException(
                        index + " says that tensor " + tensor.getKey() + " is in " + tensor.getValue() + ", it is not");
            }
        }
    }

    private static Map<String, String> readIndex(Path index) {
        try {
            JsonNode map = new ObjectMapper().readTree(Files.readString(index)).path("weight_map");
            if (!map.isObject() || map.isEmpty()) {
                throw new ModelLoadException(index + " has no 'weight_map' object that names the file of each tensor");
            }
            Map<String, String> fileOfTensor = new LinkedHashMap<>();
            map.properties().forEach(entry -> fileOfTensor.put(entry.getKey(), entry.getValue().asText()));
            return fileOfTensor;
        } catch (IOException e) {
            throw new ModelLoadException(index + " cannot be read: " + e.getMessage(), e);
        }
    }

    private void add(SafetensorsFile file) {
        for (SafetensorsFile.Entry entry : file.entries().values()) {
            if (entries.putIfAbsent(entry.name(), entry) != null) {
                throw new ModelLoadException(file.path() + " holds tensor " + entry.name() + ", as another shard does");
            }
            DType type = typeOf(entry);
            if (type != null) {
                infos.put(entry.name(),
                        new TensorInfo(type, entry.shape(), new long[]{ 0, entry.memory().byteSize() }));
            }
        }
    }

    private static DType typeOf(SafetensorsFile.Entry entry) {
        return switch (entry.type()) {
            case "F32" -> DType.F32;
            case "BF16" -> DType.BF16;
            default -> null;
        };
    }

    /**
     * Checks that a tensor is there, in a supported type, with the given shape.
     *
     * @throws ModelLoadException naming what was expected and what was found
     */
    void require(String name, long... shape) {
        SafetensorsFile.Entry entry = entries.get(name);
        if (entry == null) {
            throw new ModelLoadException(directory + " has no tensor " + name + ", expected one of shape "
                    + Arrays.toString(shape));
        }
        if (!Arrays.equals(entry.shape(), shape)) {
            throw new ModelLoadException(directory + ": tensor " + name + " has shape " + Arrays.toString(entry.shape())
                    + ", config.json asks for " + Arrays.toString(shape));
        }
        if (typeOf(entry) == null) {
            throw new ModelLoadException(directory + ": tensor " + name + " is of type " + entry.type()
                    + ", supported are F32 and BF16");
        }
        if (entry.memory().byteSize() > Integer.MAX_VALUE) {
            throw new ModelLoadException(directory + ": tensor " + name + " has " + entry.memory().byteSize()
                    + " bytes, Jlama's tensors hold at most " + Integer.MAX_VALUE);
        }
    }

    /** Takes a prefix off every name that has it. */
    void stripPrefix(String prefix) {
        for (String name : List.copyOf(entries.keySet())) {
            if (!prefix.isEmpty() && name.startsWith(prefix)) {
                String shorter = name.substring(prefix.length());
                if (entries.putIfAbsent(shorter, entries.remove(name)) != null) {
                    throw new ModelLoadException(directory + " has tensors " + name + " and " + shorter);
                }
                TensorInfo info = infos.remove(name);
                if (info != null) {
                    infos.put(shorter, info);
                }
            }
        }
    }

    /** Takes a tensor out of what models are built from, if it is there. */
    void hide(String name) {
        entries.remove(name);
        infos.remove(name);
    }

    /** Returns the number of weights. */
    long numberOfParameters() {
        return entries.values().stream().mapToLong(entry -> Arrays.stream(entry.shape()).reduce(1, (a, b) -> a * b))
                .sum();
    }

    /** Returns the bytes of all tensors. */
    long bytes() {
        return entries.values().stream().mapToLong(entry -> entry.memory().byteSize()).sum();
    }

    @Override
    public Map<String, String> metadata() {
        return Map.of();
    }

    @Override
    public Map<String, TensorInfo> tensorInfoMap() {
        return infos;
    }

    /** Returns a tensor over the mapped file. Distribution over machines is not supported; the context is ignored. */
    @Override
    @SuppressWarnings("rawtypes")
    public AbstractTensor load(String name, DistributedContext context, boolean sparseRows, boolean sparseColumns) {
        SafetensorsFile.Entry entry = entries.get(name);
        if (entry == null) {
            throw new NoSuchElementException(name);
        }
        ByteBuffer bytes = entry.memory().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        TensorShape shape = TensorShape.of(Arrays.stream(entry.shape()).mapToInt(Math::toIntExact).toArray());
        return switch (typeOf(entry)) {
            case F32 -> new FloatBufferTensor(name, bytes.asFloatBuffer(), shape, false);
            case BF16 -> new BFloat16BufferTensor(name, bytes.asShortBuffer(), shape, false);
            case null, default -> throw new NoSuchElementException(name + " of type " + entry.type());
        };
    }

    /** Returns the type that holds most of the weights' bytes. */
    @Override
    public DType getModelDType() {
        EnumMap<DType, Long> bytes = new EnumMap<>(DType.class);
        for (SafetensorsFile.Entry entry : entries.values()) {
            DType type = typeOf(entry);
            if (type != null) {
                bytes.merge(type, entry.memory().byteSize(), Long::sum);
            }
        }
        return bytes.entrySet().stream().max(Map.Entry.comparingByValue()).map(Map.Entry::getKey).orElse(DType.F32);
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
