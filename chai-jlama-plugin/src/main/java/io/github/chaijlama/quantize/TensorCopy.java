// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.quantize;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.function.LongConsumer;

import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;
import io.github.chaijlama.safetensors.SafetensorsWriter;
import io.github.chaijlama.weight.RowConverter;
import io.github.chaijlama.weight.StoredTensors;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

/** Copies tensors into a file, those that become another format some rows at a time. Not thread-safe. */
final class TensorCopy {
    private final StoredTensors stored;
    private final RowConverter converter;
    private final LongConsumer done;

    /**
     * Prepares to copy.
     *
     * @param done told of the number of values after each piece of work
     */
    TensorCopy(StoredTensors stored, WorkerPool workers, LongConsumer done) {
        this.stored = stored;
        this.converter = new RowConverter(workers);
        this.done = done;
    }

    /** Writes a tensor, and its block factors if it has any. */
    void write(WrittenTensor tensor, SafetensorsWriter file) throws IOException {
        if (tensor.format().isPresent()) {
            convert(tensor, tensor.format().get(), file);
        } else {
            file.write(tensor.stored().name(), 0, tensor.stored().memory());
            for (Entry entry : tensor.more()) {
                file.write(entry.name(), 0, entry.memory());
            }
            done.accept(tensor.values());
        }
    }

    private void convert(WrittenTensor tensor, WeightFormat format, SafetensorsWriter file) throws IOException {
        String name = tensor.stored().name();
        int columns = tensor.columns();
        int rows = Math.toIntExact(tensor.values() / columns);
        int step = Math.min(rows, RowConverter.rowsAtATime(columns));
        for (int row = 0; row < rows; row += step) {
            int count = Math.min(step, rows - row);
            long before = (long) row * columns;
            long values = (long) count * columns;
            try (Arena arena = Arena.ofShared()) {
                Weight converted = converted(stored.rows(name, row, count, columns, arena, converter), format, arena);
                file.write(name, format.bytes(before), converted.data());
                if (format.isQuantized()) {
                    file.write(StoredTensors.factorsOf(name), factorBytes(format, before), converted.factors());
                }
            }
            done.accept(values);
        }
    }

    private Weight converted(Weight weight, WeightFormat format, Arena arena) {
        if (weight.format() == format) {
            return weight; // packed so that this is what it is
        }
        Weight to = new Weight(weight.name(), format, weight.rows(), weight.columns(),
                arena.allocate(format.bytes(weight.size()), Long.BYTES),
                arena.allocate(factorBytes(format, weight.size()), Long.BYTES));
        converter.convert(weight, to);
        return to;
    }

    private static long factorBytes(WeightFormat format, long values) {
        return format.isQuantized() ? values / Weight.BLOCK * Float.BYTES : 0;
    }
}
