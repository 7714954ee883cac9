// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;

import com.github.tjake.jlama.model.DistributedContext;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.TensorInfo;
import com.github.tjake.jlama.safetensors.WeightLoader;
import com.github.tjake.jlama.tensor.AbstractTensor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.jlama.SafetensorsFile.Entry;

/**
 * The weights of a model directory, mapped into memory, and converted where Jlama's operators cannot multiply what is
 * stored. Unlike Jlama's loader it checks the files first, and frees everything on close. Thread-safe once
 * {@link #prepare} has returned; {@link #close} must not run beside anything else.
 */
final class SafetensorsWeights implements WeightLoader {
    private static final Logger logger = LoggerFactory.getLogger(SafetensorsWeights.class);
    private static final String FACTORS = ".qb";

    private final Path directory;
    private final Arena arena = Arena.ofShared();
    private final WeightConverter converter = new WeightConverter(arena);
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, TensorInfo> infos = new LinkedHashMap<>();
    private final Set<String> required = new LinkedHashSet<>();
    private final Map<String, StoredWeight> kept = new HashMap<>();
    private WeightTypes types = new WeightTypes(false, false, false, ModelFamily.LLAMA);

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
            weights.entries.putAll(SafetensorsDirectory.map(directory, weights.arena));
            weights.entries.values().forEach(weights::addInfo);
            return weights;
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    private void addInfo(Entry entry) {
        DType type = typeOf(entry);
        if (type != null && !isFactors(entry.name())
                && Arrays.stream(entry.shape()).allMatch(size -> size == (int) size)) {
            infos.put(entry.name(), new TensorInfo(type, entry.shape(), new long[]{ 0, entry.memory().byteSize() }));
        }
    }

    private static DType typeOf(Entry entry) {
        return switch (entry.type()) {
            case "F32" -> DType.F32;
            case "BF16" -> DType.BF16;
            case "F16" -> DType.F16;
            case "Q4" -> DType.Q4;
            case "I8" -> DType.I8;
            default -> null;
        };
    }

    private static boolean isQuantized(DType type) {
        return type == DType.Q4 || type == DType.I8;
    }

    /** Returns whether a tensor holds the block factors of another one, rather than weights. */
    private boolean isFactors(String name) {
        Entry owner = name.endsWith(FACTORS) ? entries.get(name.substring(0, name.length() - FACTORS.length())) : null;
        return owner != null && isQuantized(typeOf(owner));
    }

    /**
     * Checks that a tensor is there, in a supported type, with the given shape, and with its block factors where it is
     * quantized. A vector may be stored as a matrix of one row, as Jlama does.
     *
     * @throws ModelLoadException naming what was expected and what was found
     */
    void require(String name, long... shape) {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw new ModelLoadException(directory + " has no tensor " + name + ", expected one of shape "
                    + Arrays.toString(shape));
        }
        boolean row = shape.length == 1 && Arrays.equals(entry.shape(), new long[]{ 1, shape[0] });
        if (!row && !Arrays.equals(entry.shape(), shape)) {
            throw new ModelLoadException(
                    where(entry) + "has shape " + Excerpt.of(Arrays.toString(entry.shape())) + ", config.json asks for "
                            + Arrays.toString(shape));
        }
        stored(entry);
        required.add(name);
    }

    private String where(Entry entry) {
        return directory + ": tensor " + entry.name() + " ";
    }

    /** Returns a weight as it is stored, checked. */
    private StoredWeight stored(Entry entry) {
        DType type = typeOf(entry);
        if (type == null) {
            throw new ModelLoadException(where(entry) + "is of type " + Excerpt.of(entry.type())
                    + ", supported are F32, BF16, F16, and Jlama's Q4 and I8");
        }
        // With one of these two limits the other sizes fit into an int: no tensor of these types takes less than half a
        // byte.
        long elements = Arrays.stream(entry.shape()).reduce(1, (a, b) -> a * b);
        if (elements < 1 || elements > Integer.MAX_VALUE || entry.memory().byteSize() > Integer.MAX_VALUE) {
            throw new ModelLoadException(where(entry) + "has " + elements + " values in " + entry.memory().byteSize()
                    + " bytes, Jlama's tensors hold 1 to " + Integer.MAX_VALUE + " of both");
        }
        return new StoredWeight(entry.name(), type, entry.shape(), entry.memory(),
                isQuantized(type) ? factors(entry).memory() : null);
    }

    private Entry factors(Entry entry) {
        long[] shape = entry.shape().clone();
        int last = shape.length - 1;
        if (last < 0 || shape[last] % StoredWeight.BLOCK != 0) {
            throw new ModelLoadException(where(entry) + "of type " + entry.type() + " has shape "
                    + Arrays.toString(shape) + ", expected rows of a multiple of " + StoredWeight.BLOCK);
        }
        shape[last] /= StoredWeight.BLOCK;
        String expected = "expected its block factors in " + entry.name() + FACTORS + ", of type F32 and shape "
                + Arrays.toString(shape);
        Entry factors = entries.get(entry.name() + FACTORS);
        if (factors == null) {
            throw new ModelLoadException(where(entry) + "is of type " + entry.type() + ", " + expected);
        }
        // Jlama has no vectors: it writes their factors as one row.
        boolean row = shape.length == 1 && Arrays.equals(factors.shape(), new long[]{ 1, shape[0] });
        if (!factors.type().equals("F32") || !row && !Arrays.equals(factors.shape(), shape)) {
            throw new ModelLoadException(where(entry) + "is of type " + entry.type() + ", " + expected + ", found "
                    + Excerpt.of(factors.type()) + " " + Excerpt.of(Arrays.toString(factors.shape())));
        }
        return factors;
    }

    /** Takes a prefix off every name that has it. */
    void stripPrefix(String prefix) {
        for (String name : List.copyOf(entries.keySet())) {
            if (!prefix.isEmpty() && name.startsWith(prefix)) {
                Entry entry = entries.remove(name);
                String shorter = name.substring(prefix.length());
                if (entries.putIfAbsent(shorter,
                        new Entry(shorter, entry.type(), entry.shape(), entry.memory())) != null) {
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
        for (String hidden : isFactors(name + FACTORS) ? new String[]{ name + FACTORS, name } : new String[]{ name }) {
            entries.remove(hidden);
            infos.remove(hidden);
        }
    }

    /**
     * Converts what was required and cannot be used as it is stored, one tensor after the other. Without this call
     * tensors are converted when they are loaded, and none to Q4.
     *
     * @throws ModelLoadException if there is no memory, or nothing can be quantized that should be
     */
    void prepare(WeightTypes newTypes) {
        types = newTypes;
        if (types.quantize() && required.stream().noneMatch(WeightTypes::isQuantizable)) {
            throw new ModelLoadException(directory + " has no matrices that can be quantized to Q4");
        }
        long start = System.nanoTime();
        Map<String, long[]> bytes = new LinkedHashMap<>();
        for (String name : required) {
            StoredWeight stored = stored(entries.get(name));
            StoredWeight weight = keep(name);
            if (!stored.isVector() && weight.type() != stored.type()) {
                long[] sums = bytes.computeIfAbsent(stored.type() + " to " + weight.type(), _ -> new long[3]);
                sums[0]++;
                sums[1] += stored.bytes();
                sums[2] += weight.bytes();
            }
        }
        bytes.forEach((conversion, sums) -> logger.info(
                "Converted {} matrices from {}: {} MiB of file became {} MiB of memory, {} ms so far", sums[0],
                conversion, sums[1] >> 20, sums[2] >> 20, (System.nanoTime() - start) / 1_000_000));
    }

    /** Returns a weight in the type it is kept in. */
    private synchronized StoredWeight keep(String name) {
        StoredWeight weight = kept.get(name);
        if (weight == null) {
            Entry entry = entries.get(name);
            if (entry == null) {
                throw new NoSuchElementException(name);
            }
            weight = stored(entry);
            DType type = types.keptIn(weight);
            weight = type == weight.type() ? weight : convert(weight, type);
            kept.put(name, weight);
        }
        return weight;
    }

    private StoredWeight convert(StoredWeight weight, DType type) {
        try {
            return converter.convert(weight, type);
        } catch (ModelLoadException e) {
            throw new ModelLoadException(directory + ": " + e.getMessage(), e.getCause());
        }
    }

    /** Returns the number of weights of the model; files may hold more, such as masks. */
    long numberOfParameters() {
        return required.stream().map(entries::get)
                .mapToLong(entry -> Arrays.stream(entry.shape()).reduce(1, (a, b) -> a * b)).sum();
    }

    /** Returns the bytes of all tensors as they are in memory: mapped, or converted. */
    synchronized long bytes() {
        long bytes = entries.values().stream().mapToLong(entry -> entry.memory().byteSize()).sum();
        for (StoredWeight weight : kept.values()) {
            bytes += weight.bytes() - stored(entries.get(weight.name())).bytes();
        }
        return bytes;
    }

    /** Returns the type that most of the weights in use have in memory. */
    synchronized DType mostUsedType() {
        EnumMap<DType, Long> values = new EnumMap<>(DType.class);
        kept.values().forEach(weight -> values.merge(weight.type(), weight.size(), Long::sum));
        return values.entrySet().stream().max(Map.Entry.comparingByValue()).map(Map.Entry::getKey).orElse(DType.F32);
    }

    /** Returns whether any weight is kept in a type. */
    synchronized boolean keeps(DType type) {
        return kept.values().stream().anyMatch(weight -> weight.type() == type);
    }

    @Override
    public Map<String, String> metadata() {
        return Map.of();
    }

    @Override
    public Map<String, TensorInfo> tensorInfoMap() {
        return infos;
    }

    /** Returns a tensor. Distribution over machines is not supported; the context is ignored. */
    @Override
    @SuppressWarnings("rawtypes")
    public AbstractTensor load(String name, DistributedContext context, boolean sparseRows, boolean sparseColumns) {
        return keep(name).tensor();
    }

    /**
     * Returns F32, whatever the weights are: of any other type Jlama would quantize matrices that are not of that type,
     * and round the rows it multiplies them with. Of this one it leaves all as they are.
     */
    @Override
    public DType getModelDType() {
        return DType.F32;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
