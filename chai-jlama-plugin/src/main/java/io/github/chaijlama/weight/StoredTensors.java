// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import io.github.chaijlama.model.Excerpt;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.StoredQuantization;
import io.github.chaijlama.model.TensorNames;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.model.WeightRole;
import io.github.chaijlama.safetensors.SafetensorsDirectory;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

/**
 * The tensors of a model directory as they are stored, mapped into memory, never read ahead: those that the model needs
 * are checked against its configuration. Thread-safe; {@link #close} unmaps them and must not run beside anything else.
 */
public final class StoredTensors implements AutoCloseable {
    private static final String FACTORS = ".qb";
    private static final String OUTPUT = "lm_head.weight";

    private final Path directory;
    private final Arena arena = Arena.ofShared();
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, Optional<PackedTensor>> packed = new ConcurrentHashMap<>();
    private final StoredQuantization quantization;

    private StoredTensors(Path directory, StoredQuantization quantization) {
        this.directory = directory;
        this.quantization = quantization;
    }

    /**
     * Maps the weights of a directory and checks that every one that the configuration names is there, in a supported
     * format and with the shape that it asks for, and none besides that would be ignored. A vector may be stored as a
     * matrix of one row, as Jlama does.
     *
     * @throws ModelLoadException if a file is missing or broken, or a weight is not as expected
     */
    public static StoredTensors open(Path directory, ModelConfig config) {
        Map<TensorPart, WeightRole> roles = config.parts();
        StoredTensors tensors = open(directory, roles.keySet(), config.names(), config.quantization());
        try {
            tensors.requireNothingElse(roles, config.names());
            return tensors;
        } catch (RuntimeException | Error e) {
            tensors.close();
            throw e;
        }
    }

    /** Maps tensors of a directory that may hold others. */
    static StoredTensors open(Path directory, Set<TensorPart> parts, TensorNames names) {
        return open(directory, parts, names, StoredQuantization.NONE);
    }

    private static StoredTensors open(Path directory, Set<TensorPart> parts, TensorNames names,
            StoredQuantization quantization) {
        StoredTensors tensors = new StoredTensors(directory, quantization);
        try {
            tensors.entries.putAll(SafetensorsDirectory.map(directory, tensors.arena));
            tensors.rename(names);
            parts.forEach(tensors::require);
            return tensors;
        } catch (RuntimeException | Error e) {
            tensors.close();
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
        try (StoredTensors tensors = open(directory, Set.of(), config.names())) {
            Entry output = tensors.entries.get(OUTPUT);
            Entry table = tensors.entries.get(config.embedding().tokens().tensor());
            return output == null || table == null || isSame(table, output) ? config : config.untied(OUTPUT);
        }
    }

    /**
     * Returns everything that is wrong with the tensors of a directory, each with a sentence.
     *
     * @return empty if {@link #open} opens them
     * @throws ModelLoadException if a file is missing or broken
     */
    public static List<String> problems(Path directory, ModelConfig config) {
        ModelConfig stored = asStored(directory, config);
        Map<TensorPart, WeightRole> roles = stored.parts();
        try (StoredTensors tensors = open(directory, Set.of(), stored.names(), stored.quantization())) {
            TensorProblems problems = new TensorProblems(directory);
            for (TensorPart part : roles.keySet()) {
                try {
                    tensors.require(part);
                } catch (ModelLoadException e) {
                    problems.add(part.tensor(), tensors.entries.containsKey(part.tensor()), e);
                }
            }
            return problems.with(() -> tensors.unused(roles, stored.names()).map(Entry::name).toList());
        }
    }

    /** Returns everything that is wrong with the files of weights, see {@link SafetensorsDirectory#problems}. */
    public static List<String> fileProblems(Path directory) {
        return SafetensorsDirectory.problems(directory);
    }

    private static boolean isSame(Entry a, Entry b) {
        return a.type().equals(b.type()) && Arrays.equals(a.shape(), b.shape()) && a.memory().mismatch(b.memory()) < 0;
    }

    /** Calls every tensor what it means, and takes apart those that are several. */
    private void rename(TensorNames names) {
        for (Entry entry : List.copyOf(entries.values())) {
            String name = entry.name();
            String meant = names.meant(name);
            Optional<List<String>> stacked = names.stacked(meant);
            if (stacked.isPresent()) {
                entries.remove(name);
                inContext(() -> ExpertStack.parts(entry, stacked.get())).forEach(part -> add(part, name));
            } else if (!meant.equals(name)) {
                entries.remove(name);
                add(new Entry(meant, entry.type(), entry.shape(), entry.memory()), name);
            }
        }
    }

    private void add(Entry entry, String stored) {
        if (entries.putIfAbsent(entry.name(), entry) != null) {
            throw new ModelLoadException(directory + " has tensors " + stored + " and " + entry.name());
        }
    }

    /** A tensor that nothing is computed with may be what makes the model what it is. */
    private void requireNothingElse(Map<TensorPart, WeightRole> roles, TensorNames names) {
        unused(roles, names).findFirst().ifPresent(entry -> {
            throw new ModelLoadException(where(entry) + "is none that config.json asks for, and would be ignored");
        });
    }

    private Stream<Entry> unused(Map<TensorPart, WeightRole> roles, TensorNames names) {
        Set<String> used = roles.keySet().stream().map(TensorPart::tensor).distinct().flatMap(
                tensor -> packed(tensor).map(several -> several.tensors().stream()).orElse(Stream.of(tensor)))
                .collect(Collectors.toSet());
        return entries.values().stream().filter(entry -> {
            String name = entry.name();
            boolean ofUsed = name.endsWith(FACTORS)
                    && used.contains(name.substring(0, name.length() - FACTORS.length()));
            return !ofUsed && !used.contains(name) && !names.isOther(name) && !isTiedOutput(entry, roles);
        });
    }

    /** Whether a tensor is the table of tokens once more, as the output matrix. */
    private boolean isTiedOutput(Entry entry, Map<TensorPart, WeightRole> roles) {
        return entry.name().equals(OUTPUT) && roles.entrySet().stream()
                .filter(part -> part.getValue() == WeightRole.TIED_TABLE)
                .flatMap(part -> Optional.ofNullable(entries.get(part.getKey().tensor())).stream())
                .anyMatch(table -> isSame(table, entry));
    }

    private void require(TensorPart part) {
        Optional<PackedTensor> several = packed(part.tensor());
        if (several.isPresent()) {
            inContext(() -> {
                several.get().requireFits(part);
                return part;
            });
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
        weight(entry);
    }

    /** Returns the directory, for messages. */
    Path directory() {
        return directory;
    }

    /** Returns the arena that owns the mappings: what is made from them lives as long. */
    Arena arena() {
        return arena;
    }

    /**
     * Returns all tensors of the files, those included that the model does not need, in the order of the files.
     * Factors of quantized tensors are tensors of their own, see {@link #isFactors}.
     */
    public List<Entry> all() {
        return List.copyOf(entries.values());
    }

    /** Returns whether a tensor is the block factors of another one. */
    public boolean isFactors(Entry entry) {
        String name = entry.name();
        return name.endsWith(FACTORS) && Optional
                .ofNullable(entries.get(name.substring(0, name.length() - FACTORS.length())))
                .flatMap(StoredTensors::formatOf).filter(WeightFormat::isQuantized).isPresent();
    }

    /** Returns the block factors of a tensor, if it is quantized. */
    public Optional<Entry> factorsOf(Entry entry) {
        return Optional.ofNullable(entries.get(factorsOf(entry.name()))).filter(this::isFactors);
    }

    /** Returns the name under which Jlama stores the block factors of a tensor. */
    public static String factorsOf(String tensor) {
        return tensor + FACTORS;
    }

    /**
     * Returns what a tensor is stored as, if that is several: numbers of few bits, and what they are multiplied with.
     *
     * @throws ModelLoadException if they do not fit each other
     */
    Optional<PackedTensor> packed(String tensor) {
        return packed.computeIfAbsent(tensor,
                name -> inContext(() -> PackedTensors.find(name, entries, quantization)));
    }

    /** Says in which directory it is what failed. */
    private <T> T inContext(Supplier<T> work) {
        try {
            return work.get();
        } catch (ModelLoadException e) {
            throw new ModelLoadException(directory + ": " + e.getMessage(), e.getCause());
        }
    }

    /** Returns whether a tensor that the model needs is stored as several: numbers of few bits and factors. */
    public boolean isPacked(String tensor) {
        return packed(tensor).isPresent();
    }

    /** Returns the format of a tensor that the model needs, if it is {@linkplain #isPacked packed} unpacked. */
    WeightFormat format(String name) {
        return packed(name).map(PackedTensor::format).orElseGet(() -> weight(name).format());
    }

    /**
     * Returns a tensor that the model needs, as it is stored, as a matrix whose columns are its last dimension.
     *
     * @param name a name that the configuration has, of a tensor that is not {@linkplain #isPacked packed}
     */
    public Weight weight(String name) {
        return weight(entry(name));
    }

    /**
     * Returns rows of a tensor that the model needs, as it is stored or, if it is {@linkplain #isPacked packed}, in the
     * format that holds them.
     *
     * @param columns   the values of a row
     * @param owner     owns the memory of what is unpacked
     * @param converter shares the work of that
     */
    public Weight rows(String name, int first, int count, int columns, Arena owner, RowConverter converter) {
        return packed(name).map(several -> inContext(() -> several.unpack(
                TensorPart.matrix(name, first + count, columns).rows(first, count), owner, converter)))
                .orElseGet(() -> weight(name).rows(first, count));
    }

    /**
     * Returns what stands for a tensor that the model needs, if it is {@linkplain #isPacked packed}; the one with the
     * values comes first.
     */
    public List<Entry> several(String name) {
        return packed(name).map(several -> several.tensors().stream()
                .flatMap(tensor -> Optional.ofNullable(entries.get(tensor)).stream()).toList()).orElse(List.of());
    }

    /** Returns a tensor of the model's, which {@link #require} has found. */
    private Entry entry(String name) {
        return Objects.requireNonNull(entries.get(name), name);
    }

    private String where(Entry entry) {
        return directory + ": tensor " + entry.name() + " ";
    }

    private static Optional<WeightFormat> formatOf(Entry entry) {
        return Arrays.stream(WeightFormat.values())
                .filter(format -> format != WeightFormat.F8 && format.name().equals(entry.type())).findFirst();
    }

    private Weight weight(Entry entry) {
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
        String expected = "expected its block factors in " + factorsOf(entry.name()) + ", of type F32 and shape "
                + Arrays.toString(shape);
        Entry factors = entries.get(factorsOf(entry.name()));
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

    @Override
    public synchronized void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
