// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.model.Excerpt;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorNames;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.model.WeightRole;
import io.github.chaijlama.safetensors.SafetensorsDirectory;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

/**
 * The weights of a model directory, mapped into memory, and converted where a format is asked for that is not the
 * stored one. Files are checked before anything is read from them, and everything is freed on close. Thread-safe once
 * {@link #prepare} has returned; {@link #close} must not run beside anything else.
 */
public final class StoredWeights implements WeightSource, AutoCloseable {
    private static final Logger logger = LoggerFactory.getLogger(StoredWeights.class);
    private static final String FACTORS = ".qb";
    private static final String OUTPUT = "lm_head.weight";

    private final Path directory;
    private final Arena arena = Arena.ofShared();
    private final WeightConverter converter = new WeightConverter(arena);
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<TensorPart, WeightRole> roles;
    private final Map<TensorPart, Weight> kept = new HashMap<>();

    private StoredWeights(Path directory, Map<TensorPart, WeightRole> roles) {
        this.directory = directory;
        this.roles = roles;
    }

    /**
     * Maps the weights of a directory and checks that every one that the configuration names is there, in a supported
     * format and with the shape that it asks for, and none besides that would be ignored. A vector may be stored as a
     * matrix of one row, as Jlama does.
     *
     * @throws ModelLoadException if a file is missing or broken, or a weight is not as expected
     */
    public static StoredWeights open(Path directory, ModelConfig config) {
        StoredWeights weights = open(directory, config.parts(), config.names());
        try {
            weights.requireNothingElse(config.names());
            return weights;
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    /**
     * Returns a configuration as the files of a directory have it: where the output is said to be the table of tokens
     * and the files hold another matrix for it, it is that one, as for transformers 5.
     *
     * @throws ModelLoadException if a file is missing or broken
     */
    public static ModelConfig asStored(Path directory, ModelConfig config) {
        if (!config.tiedEmbeddings() || config.names().isOther(OUTPUT)) {
            return config;
        }
        try (StoredWeights weights = open(directory, Map.of(), config.names())) {
            Entry output = weights.entries.get(OUTPUT);
            Entry table = weights.entries.get(config.embedding().tokens().tensor());
            return output == null || table == null || isSame(table, output) ? config : config.untied(OUTPUT);
        }
    }

    private static boolean isSame(Entry a, Entry b) {
        return a.type().equals(b.type()) && Arrays.equals(a.shape(), b.shape()) && a.memory().mismatch(b.memory()) < 0;
    }

    /** Maps weights of a directory that may hold others. */

    static StoredWeights open(Path directory, Map<TensorPart, WeightRole> roles, TensorNames names) {
        StoredWeights weights = new StoredWeights(directory, roles);
        try {
            weights.entries.putAll(SafetensorsDirectory.map(directory, weights.arena));
            weights.rename(names);
            weights.roles.keySet().forEach(weights::require);
            return weights;
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    /** Calls every tensor what it means. */
    private void rename(TensorNames names) {
        for (Entry entry : List.copyOf(entries.values())) {
            String name = entry.name();
            String meant = names.meant(name);
            if (!meant.equals(name)) {
                entries.remove(name);
                if (entries.putIfAbsent(meant,
                        new Entry(meant, entry.type(), entry.shape(), entry.memory())) != null) {
                    throw new ModelLoadException(directory + " has tensors " + name + " and " + meant);
                }
            }
        }
    }

    /** A tensor that nothing is computed with may be what makes the model what it is. */
    private void requireNothingElse(TensorNames names) {
        Set<String> used = usedTensors();
        for (Entry entry : entries.values()) {
            String name = entry.name();
            boolean ofUsed = name.endsWith(FACTORS)
                    && used.contains(name.substring(0, name.length() - FACTORS.length()));
            if (!ofUsed && !used.contains(name) && !names.isOther(name) && !isTiedOutput(entry)) {
                throw new ModelLoadException(where(entry) + "is none that config.json asks for, and would be ignored");
            }
        }
    }

    /** Whether a tensor is the table of tokens once more, as the output matrix. */
    private boolean isTiedOutput(Entry entry) {
        return entry.name().equals(OUTPUT) && roles.entrySet().stream()
                .filter(part -> part.getValue() == WeightRole.TIED_TABLE).map(part -> entry(part.getKey().tensor()))
                .anyMatch(table -> isSame(table, entry));
    }

    /** Returns the two tensors that stand for one of 4-bit floats, if it is stored that way. */
    private Optional<Mxfp4> mxfp4(TensorPart part) {
        Entry blocks = entries.get(part.tensor() + Mxfp4.BLOCKS);
        Entry scales = entries.get(part.tensor() + Mxfp4.SCALES);
        return blocks == null || scales == null || entries.containsKey(part.tensor()) ? Optional.empty()
                : Optional.of(new Mxfp4(part.tensor(), blocks, scales));
    }

    private void require(TensorPart part) {
        Optional<Mxfp4> packed = mxfp4(part);
        if (packed.isPresent()) {
            inContext(() -> packed.get().requireFits(part));
            return;
        }
        Entry entry = entries.get(part.tensor());
        long[] shape = part.shape().stream().mapToLong(Long::longValue).toArray();
        if (entry == null) {
            throw new ModelLoadException(directory + " has no tensor " + part.tensor() + ", expected one of shape "
                    + Arrays.toString(shape));
        }
        boolean row = shape.length == 1 && Arrays.equals(entry.shape(), new long[]{ 1, shape[0] });
        if (!row && !Arrays.equals(entry.shape(), shape)) {
            throw new ModelLoadException(
                    where(entry) + "has shape " + Excerpt.of(Arrays.toString(entry.shape())) + ", config.json asks for "
                            + Arrays.toString(shape));
        }
        stored(entry);
    }

    /** Returns a tensor of the model's, which {@link #require} has found. */
    private Entry entry(String name) {
        return Objects.requireNonNull(entries.get(name), name);
    }

    private String where(Entry entry) {
        return directory + ": tensor " + entry.name() + " ";
    }

    private static Optional<WeightFormat> formatOf(Entry entry) {
        return Arrays.stream(WeightFormat.values()).filter(format -> format.name().equals(entry.type())).findFirst();
    }

    /** Returns a tensor as it is stored, checked, as a matrix whose columns are its last dimension. */
    private Weight stored(Entry entry) {
        WeightFormat format = formatOf(entry).orElseThrow(() -> new ModelLoadException(where(entry) + "is of type "
                + Excerpt.of(entry.type()) + ", supported are F32, BF16, F16, and Jlama's Q4 and I8"));
        long elements = Arrays.stream(entry.shape()).reduce(1, (a, b) -> a * b);
        long columns = entry.shape().length == 0 ? 1 : entry.shape()[entry.shape().length - 1];
        if (elements < 1 || columns > Integer.MAX_VALUE || elements / columns > Integer.MAX_VALUE) {
            throw new ModelLoadException(where(entry) + "has " + elements + " values in rows of " + columns
                    + ", expected 1 to " + Integer.MAX_VALUE + " rows of as many");
        }
        return new Weight(entry.name(), format, (int) (elements / columns), (int) columns, entry.memory(),
                format.isQuantized() ? factors(entry).memory() : MemorySegment.NULL);
    }

    private Entry factors(Entry entry) {
        long[] shape = entry.shape().clone();
        int last = shape.length - 1;
        if (last < 0 || shape[last] % Weight.BLOCK != 0) {
            throw new ModelLoadException(where(entry) + "of type " + entry.type() + " has shape "
                    + Arrays.toString(shape) + ", expected rows of a multiple of " + Weight.BLOCK);
        }
        shape[last] /= Weight.BLOCK;
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

    /**
     * Converts what is not to be used in the format it is stored in, one weight after the other.
     *
     * @param formats decides the format each weight is used in
     * @throws ModelLoadException if there is no memory, or nothing can be quantized that should be
     */
    public void prepare(WeightFormats formats) {
        if (formats.quantize() && !formats.multiplied().contains(WeightFormat.Q4)) {
            throw new ModelLoadException("the operators on this machine cannot multiply with weights of type Q4");
        }
        if (formats.quantize() && roles.entrySet().stream()
                .noneMatch(part -> part.getValue() == WeightRole.MATRIX && !part.getKey().transposed())) {
            throw new ModelLoadException(directory + " has no matrices that can be quantized to Q4");
        }
        long start = System.nanoTime();
        Map<String, long[]> bytes = new LinkedHashMap<>();
        roles.forEach((part, role) -> {
            Optional<Mxfp4> packed = mxfp4(part);
            if (packed.isPresent()) {
                kept.put(part, inContext(() -> unpack(packed.get(), part, formats.formatOf(role, WeightFormat.I8))));
                return;
            }
            Weight slice = slice(part);
            Weight weight = convert(slice, part, formats.formatOf(role, slice.format()));
            kept.put(part, weight);
            if (role != WeightRole.VECTOR && weight.format() != slice.format()) {
                long[] sums = bytes.computeIfAbsent(slice.format() + " to " + weight.format(), _ -> new long[3]);
                sums[0]++;
                sums[1] += slice.bytes();
                sums[2] += weight.bytes();
            }
        });
        bytes.forEach((conversion, sums) -> logger.info(
                "Converted {} matrices from {}: {} MiB of file became {} MiB of memory, {} ms", sums[0],
                conversion, sums[1] >> 20, sums[2] >> 20, (System.nanoTime() - start) / 1_000_000));
    }

    /** Returns the slice of a tensor that a part is in; a vector as one row. */
    private Weight slice(TensorPart part) {
        Weight tensor = stored(entry(part.tensor()));
        if (part.width() == 1 && tensor.columns() != 1) {
            return tensor.rows(part.slice(), 1);
        }
        return tensor.rows(part.slice() * part.height(), part.height());
    }

    private Weight unpack(Mxfp4 packed, TensorPart part, WeightFormat format) {
        Weight weight = packed.toI8(part, arena);
        return format == WeightFormat.I8 ? weight : converter.convert(weight, format);
    }

    private Weight convert(Weight slice, TensorPart part, WeightFormat format) {
        return inContext(() -> {
            if (roles.get(part) == WeightRole.VECTOR) {
                return vector(slice, part);
            }
            Weight weight = part.isContiguous() ? slice.rows(part.first(), part.rows()) : converter.gather(slice, part);
            return weight.format() == format || !part.isContiguous() ? weight : converter.convert(weight, format);
        });
    }

    /** Says in which directory it is what failed. */
    private <T> T inContext(Supplier<T> work) {
        try {
            return work.get();
        } catch (ModelLoadException e) {
            throw new ModelLoadException(directory + ": " + e.getMessage(), e.getCause());
        }
    }

    private void inContext(Runnable work) {
        inContext(() -> {
            work.run();
            return directory;
        });
    }

    private Weight vector(Weight row, TensorPart part) {
        Weight floats = row.format() == WeightFormat.F32 ? row : converter.convert(row, WeightFormat.F32);
        if (part.step() == 1) {
            MemorySegment values = floats.data().asSlice((long) part.first() * Float.BYTES,
                    (long) part.rows() * Float.BYTES);
            return new Weight(floats.name(), WeightFormat.F32, 1, part.rows(), values);
        }
        Weight column = new Weight(floats.name(), WeightFormat.F32, floats.columns(), 1, floats.data());
        return new Weight(floats.name(), WeightFormat.F32, 1, part.rows(), converter.gather(column, part).data());
    }

    @Override
    public Weight weight(TensorPart part) {
        Weight weight = kept.get(part);
        if (weight == null) {
            throw new IllegalArgumentException("no weight of this model: " + part);
        }
        return weight;
    }

    /**
     * Returns a whole tensor in the format its parts are used in, rows and columns as they are stored.
     *
     * @throws IllegalArgumentException if it is none of this model's weights
     */
    public Weight tensor(String name) {
        TensorPart part = roles.keySet().stream().filter(candidate -> candidate.tensor().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no weight of this model: " + name));
        Weight weight = weight(part);
        Weight stored = stored(entry(name));
        if (weight.size() == stored.size() && part.isContiguous()) {
            return weight;
        }
        return stored.format() == WeightFormat.F32 ? stored : converter.convert(stored, WeightFormat.F32);
    }

    /** Returns the number of weights of the model; files may hold others, such as masks. */
    public long numberOfParameters() {
        Map<String, Long> sizes = new LinkedHashMap<>();
        roles.keySet().forEach(part -> sizes.put(part.tensor(), part.shape().stream().reduce(1L, (a, b) -> a * b)));
        return sizes.values().stream().mapToLong(Long::longValue).sum();
    }

    private Set<String> usedTensors() {
        return roles.keySet().stream().flatMap(
                part -> mxfp4(part).map(packed -> packed.tensors().stream()).orElse(Stream.of(part.tensor())))
                .collect(Collectors.toSet());
    }

    /** Returns the bytes of the weights in use as they are in memory: mapped, or converted. */
    public long bytes() {
        return kept.values().stream().mapToLong(Weight::bytes).sum();
    }

    /** Returns the format that most of the weights in use have in memory. */
    public WeightFormat mostUsedFormat() {
        Map<WeightFormat, Long> values = new EnumMap<>(WeightFormat.class);
        kept.values().forEach(weight -> values.merge(weight.format(), weight.size(), Long::sum));
        return values.entrySet().stream().max(Map.Entry.comparingByValue()).map(Map.Entry::getKey)
                .orElse(WeightFormat.F32);
    }

    /** Returns whether any matrix of the layers or the output is stored in a format. */
    public boolean stores(WeightFormat format) {
        return roles.entrySet().stream().anyMatch(part -> part.getValue() == WeightRole.MATRIX
                && entry(part.getKey().tensor()).type().equals(format.name()));
    }

    /** Returns whether any weight is used in a format. */
    public boolean uses(WeightFormat format) {
        return kept.values().stream().anyMatch(weight -> weight.format() == format);
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
