// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.function.Supplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorNames;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.model.WeightRole;
import io.github.chaijlama.parallel.WorkerPool;

/**
 * The weights of a model directory, mapped into memory, and converted where a format is asked for that is not the
 * stored one. Files are checked before anything is read from them, what is used as it is stored is not read at all
 * before it is needed, and everything is freed on close. Thread-safe once {@link #prepare} has returned;
 * {@link #close} must not run beside anything else.
 */
public final class StoredWeights implements WeightSource, AutoCloseable {
    private static final Logger logger = LoggerFactory.getLogger(StoredWeights.class);

    private final StoredTensors tensors;
    private final WeightConverter converter;
    private final Map<TensorPart, WeightRole> roles;
    private final Map<TensorPart, Weight> kept = new HashMap<>();

    private StoredWeights(StoredTensors tensors, Map<TensorPart, WeightRole> roles, WorkerPool workers) {
        this.tensors = tensors;
        this.roles = roles;
        this.converter = new WeightConverter(tensors.arena(), workers);
    }

    /**
     * Maps the weights of a directory and checks them, see {@link StoredTensors#open}.
     *
     * @param workers share the work of conversions
     * @throws ModelLoadException if a file is missing or broken, or a weight is not as expected
     */
    public static StoredWeights open(Path directory, ModelConfig config, WorkerPool workers) {
        return new StoredWeights(StoredTensors.open(directory, config), config.parts(), workers);
    }

    /** Maps weights of a directory that may hold others. */
    static StoredWeights open(Path directory, Map<TensorPart, WeightRole> roles, TensorNames names,
            WorkerPool workers) {
        return new StoredWeights(StoredTensors.open(directory, roles.keySet(), names), roles, workers);
    }

    /**
     * Converts what is not to be used in the format it is stored in, one weight after the other, rows in parallel.
     * Results do not depend on the number of threads. Each takes its own memory and no more than some rows beside it.
     *
     * @param formats  decides the format each weight is used in
     * @param progress told of matrices and tables
     * @throws ModelLoadException if there is no memory, or nothing can be quantized that should be
     */
    public void prepare(WeightFormats formats, ConversionProgress progress) {
        Optional<Quantization> quantization = formats.quantized().map(format -> {
            if (!formats.multiplied().contains(format)) {
                throw new ModelLoadException(
                        "the operators on this machine cannot multiply with weights of type " + format);
            }
            return Quantization.of(tensors, roles, format);
        });
        Map<TensorPart, WeightFormat> chosen = new LinkedHashMap<>();
        roles.forEach((part, role) -> chosen.put(part, quantization.filter(choice -> choice.covers(part.tensor()))
                .map(Quantization::format).orElseGet(() -> formats.formatOf(role, tensors.format(part.tensor())))));
        convert(chosen, progress);
    }

    private void convert(Map<TensorPart, WeightFormat> chosen, ConversionProgress progress) {
        long start = System.nanoTime();
        long total = chosen.entrySet().stream().filter(entry -> isConverted(entry.getKey(), entry.getValue()))
                .mapToLong(entry -> size(entry.getKey())).sum();
        long[] done = new long[1];
        LongConsumer count = values -> progress.report(done[0] += values, total);
        Map<String, long[]> bytes = new LinkedHashMap<>();
        chosen.forEach((part, format) -> {
            Optional<PackedTensor> packed = tensors.packed(part.tensor());
            Weight weight = packed.map(blocks -> unpack(blocks, part, format, count))
                    .orElseGet(() -> convert(slice(part), part, format, count));
            kept.put(part, weight);
            if (roles.get(part) != WeightRole.VECTOR
                    && (packed.isPresent() || weight.format() != tensors.format(part.tensor()))) {
                String from = packed.map(PackedTensor::type).orElseGet(() -> slice(part).format().name());
                long[] sums = bytes.computeIfAbsent(from + " to " + weight.format(), _ -> new long[3]);
                sums[0]++;
                sums[1] += packed.map(blocks -> blocks.bytes(part)).orElseGet(() -> slice(part).bytes());
                sums[2] += weight.bytes();
            }
        });
        bytes.forEach((conversion, sums) -> logger.info(
                "Converted {} matrices from {}: {} MiB of file became {} MiB of memory, {} ms", sums[0],
                conversion, sums[1] >> 20, sums[2] >> 20, (System.nanoTime() - start) / 1_000_000));
    }

    /** Returns whether a matrix or a table is not used as it is stored; vectors are too short to count. */
    private boolean isConverted(TensorPart part, WeightFormat format) {
        return roles.get(part) != WeightRole.VECTOR && (!part.isContiguous() || tensors.isPacked(part.tensor())
                || slice(part).format() != format);
    }

    private static long size(TensorPart part) {
        return (long) part.rows() * part.columns();
    }

    /** Returns the slice of a tensor that a part is in; a vector as one row. */
    private Weight slice(TensorPart part) {
        Weight tensor = tensors.weight(part.tensor());
        if (part.width() == 1 && tensor.columns() != 1) {
            return tensor.rows(part.slice(), 1);
        }
        return tensor.rows(part.slice() * part.height(), part.height());
    }

    private Weight unpack(PackedTensor packed, TensorPart part, WeightFormat format, LongConsumer done) {
        return inContext(() -> converter.unpack(packed, part, format, done));
    }

    private Weight convert(Weight slice, TensorPart part, WeightFormat format, LongConsumer done) {
        return inContext(() -> {
            if (roles.get(part) == WeightRole.VECTOR) {
                return vector(slice, part);
            }
            if (!part.isContiguous()) {
                Weight gathered = part.transposed() ? converter.gather(slice, part) : converter.gatherRows(slice, part);
                if (!part.transposed() && gathered.format() != format) {
                    return converter.convert(gathered, format, done);
                }
                done.accept(gathered.size());
                return gathered;
            }
            Weight weight = slice.rows(part.first(), part.rows());
            return weight.format() == format ? weight : converter.convert(weight, format, done);
        });
    }

    /** Says in which directory it is what failed. */
    private Weight inContext(Supplier<Weight> work) {
        try {
            return work.get();
        } catch (ModelLoadException e) {
            throw new ModelLoadException(tensors.directory() + ": " + e.getMessage(), e.getCause());
        }
    }

    private Weight vector(Weight row, TensorPart part) {
        Weight floats = row.format() == WeightFormat.F32 ? row : toFloats(row);
        if (part.step() == 1) {
            MemorySegment values = floats.data().asSlice((long) part.first() * Float.BYTES,
                    (long) part.rows() * Float.BYTES);
            return new Weight(floats.name(), WeightFormat.F32, 1, part.rows(), values);
        }
        Weight column = new Weight(floats.name(), WeightFormat.F32, floats.columns(), 1, floats.data());
        return new Weight(floats.name(), WeightFormat.F32, 1, part.rows(), converter.gather(column, part).data());
    }

    private static boolean isWhole(TensorPart part) {
        return part.isContiguous() && part.shape().size() == 2 && part.rows() == part.height();
    }

    /** Returns the matrix that a part is in. */
    private static TensorPart whole(TensorPart part) {
        return TensorPart.matrix(part.tensor(), part.height(), part.width());
    }

    private Weight toFloats(Weight weight) {
        return converter.convert(weight, WeightFormat.F32, _ -> {});
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
        Optional<PackedTensor> packed = tensors.packed(name);
        if (packed.isPresent()) {
            return isWhole(part) ? weight : unpack(packed.get(), whole(part), WeightFormat.F32, _ -> {});
        }
        Weight stored = tensors.weight(name);
        if (weight.size() == stored.size() && part.isContiguous()) {
            return weight;
        }
        return stored.format() == WeightFormat.F32 ? stored : toFloats(stored);
    }

    /** Returns the number of weights of the model; files may hold others, such as masks. */
    public long numberOfParameters() {
        Map<String, Long> sizes = new LinkedHashMap<>();
        roles.keySet().forEach(part -> sizes.put(part.tensor(), part.shape().stream().reduce(1L, (a, b) -> a * b)));
        return sizes.values().stream().mapToLong(Long::longValue).sum();
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
                && !tensors.isPacked(part.getKey().tensor()) && slice(part.getKey()).format() == format);
    }

    /** Returns whether any weight is used in a format. */
    public boolean uses(WeightFormat format) {
        return kept.values().stream().anyMatch(weight -> weight.format() == format);
    }

    @Override
    public void close() {
        tensors.close();
    }
}
