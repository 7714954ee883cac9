// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.quantize;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;

import io.github.chaijlama.files.AtomicFile;
import io.github.chaijlama.files.NewDirectory;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelDirectory;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.safetensors.SafetensorsDirectory;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;
import io.github.chaijlama.safetensors.SafetensorsShards;
import io.github.chaijlama.safetensors.SafetensorsWriter;
import io.github.chaijlama.safetensors.SafetensorsWriter.Tensor;
import io.github.chaijlama.weight.ConversionProgress;
import io.github.chaijlama.weight.Quantization;
import io.github.chaijlama.weight.StoredTensors;
import io.github.chaijlama.weight.WeightFormat;

/**
 * Writes a model's directory again, its weights quantized as {@link Quantization} says, in Jlama's own format: a tensor
 * of type Q4 or I8, and its block factors in one that is called the same and {@code .qb}. The bits are those of weights
 * that are quantized when a model is loaded. F16 that stays becomes F32, which is exact: Jlama's layers read no F16.
 *
 * <p>The directory appears whole or not at all. Memory: some rows, whatever the size of the model. Immutable; any
 * number of runs may go on at a time.
 *
 * @param format        Q4, or I8 which Jlama's own layers cannot multiply with
 * @param threads       threads that share the work
 * @param maxShardBytes the most that a file of weights holds, if a tensor is not larger
 */
public record ModelQuantizer(WeightFormat format, int threads, long maxShardBytes) {
    /** Below 2 GiB, which is as much as Jlama maps in one piece. */
    public static final long DEFAULT_MAX_SHARD_BYTES = 2_000_000_000;

    /**
     * What was written.
     *
     * @param files       names of the files with weights
     * @param storedBytes bytes of the tensors before
     * @param bytes       bytes of the tensors now
     */
    public record Result(List<String> files, long storedBytes, long bytes) {
        public Result {
            files = List.copyOf(files);
        }
    }

    public ModelQuantizer {
        if (!format.isQuantized() || threads < 1 || maxShardBytes < 1) {
            throw new IllegalArgumentException(format + ", " + threads + " threads, " + maxShardBytes + " bytes");
        }
    }

    /**
     * Quantizes a model.
     *
     * @param model    a directory in Hugging Face layout
     * @param out      where to: nothing is there yet, or an empty directory
     * @param progress told of all tensors; an exception of its own ends the run
     * @throws ModelLoadException if the model is missing, broken or not supported, or has nothing that can be quantized
     * @throws QuantizeException  if {@code out} cannot be written; nothing is left of it then
     */
    public Result quantize(Path model, Path out, ConversionProgress progress) {
        return write(ModelDirectory.of(model), out, progress);
    }

    private Result write(Path model, Path out, ConversionProgress progress) {
        ModelConfig config = StoredTensors.asStored(model, ModelConfig.read(model));
        try {
            OutputPlace.require(model, out);
            try (StoredTensors stored = StoredTensors.open(model, config);
                    WorkerPool workers = new WorkerPool(threads)) {
                List<WrittenTensor> tensors = plan(model, stored, config);
                long total = tensors.stream().mapToLong(WrittenTensor::values).sum();
                long[] done = new long[1];
                LongConsumer count = values -> progress.report(done[0] += values, total);
                return write(model, out, tensors, new TensorCopy(stored, workers, count));
            }
        } catch (ClosedByInterruptException e) {
            throw new QuantizeException(out + " was not written: interrupted", e);
        } catch (IOException e) {
            throw new QuantizeException(out + " cannot be written: " + AtomicFile.reason(e), e);
        }
    }

    /** Returns all tensors but the factors of quantized ones, which go with these. */
    private List<WrittenTensor> plan(Path model, StoredTensors stored, ModelConfig config) {
        Quantization quantization = Quantization.of(stored, config.parts(), format);
        if (quantization.tensors().stream()
                .allMatch(name -> !stored.isPacked(name) && stored.weight(name).format() == format)) {
            throw new ModelLoadException(model + " has nothing left to quantize: its matrices are of type " + format);
        }
        List<WrittenTensor> tensors = new ArrayList<>();
        Set<String> written = new HashSet<>();
        quantization.tensors().stream().filter(stored::isPacked).sorted().forEach(name -> {
            List<Entry> several = stored.several(name);
            several.forEach(entry -> written.add(entry.name()));
            tensors.add(new WrittenTensor(new Entry(name, several.getFirst().type(), shape(config, name),
                    several.getFirst().memory()), several.subList(1, several.size()), Optional.of(format)));
        });
        Set<String> used = config.parts().keySet().stream().map(TensorPart::tensor)
                .filter(name -> !stored.isPacked(name)).collect(Collectors.toSet());
        for (Entry entry : stored.all()) {
            String name = entry.name();
            if (stored.isFactors(entry) || written.contains(name)) {
                continue;
            }
            if (quantization.covers(name) && stored.weight(name).format() != format) {
                tensors.add(new WrittenTensor(entry, List.of(), Optional.of(format)));
            } else if (used.contains(name) && stored.weight(name).format() == WeightFormat.F16) {
                tensors.add(new WrittenTensor(entry, List.of(), Optional.of(WeightFormat.F32)));
            } else {
                tensors.add(new WrittenTensor(entry, stored.factorsOf(entry).stream().toList(), Optional.empty()));
            }
        }
        return tensors;
    }

    private static long[] shape(ModelConfig config, String tensor) {
        return config.parts().keySet().stream().filter(part -> part.tensor().equals(tensor)).findFirst().orElseThrow()
                .shape().stream().mapToLong(Long::longValue).toArray();
    }

    private Result write(Path model, Path out, List<WrittenTensor> tensors, TensorCopy copy) throws IOException {
        SafetensorsShards shards = new SafetensorsShards(tensors.stream().map(WrittenTensor::inFile).toList(),
                maxShardBytes);
        Map<String, WrittenTensor> byName = new LinkedHashMap<>();
        tensors.forEach(tensor -> byName.put(tensor.stored().name(), tensor));
        try (NewDirectory directory = NewDirectory.begin(out)) {
            for (Map.Entry<String, List<Tensor>> file : shards.files().entrySet()) {
                try (SafetensorsWriter writer = SafetensorsWriter.create(directory.path().resolve(file.getKey()),
                        file.getValue())) {
                    for (Tensor tensor : file.getValue()) {
                        if (byName.containsKey(tensor.name())) {
                            copy.write(byName.get(tensor.name()), writer);
                        }
                    }
                    writer.force();
                }
            }
            if (shards.hasIndex()) {
                Files.writeString(directory.path().resolve(SafetensorsDirectory.INDEX_FILE), shards.index());
            }
            CompanionFiles.copy(model, directory.path());
            directory.commit();
        }
        return new Result(List.copyOf(shards.files().keySet()),
                tensors.stream().mapToLong(WrittenTensor::storedBytes).sum(), shards.bytes());
    }
}
