// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.quantize;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongConsumer;

import io.github.chaijlama.parallel.WorkerPool;
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
            convert(stored.weight(tensor.stored().name()), tensor.format().get(), file);
        } else {
            file.write(tensor.stored().name(), 0, tensor.stored().memory());
            if (tensor.factors().isPresent()) {
                file.write(tensor.factors().get().name(), 0, tensor.factors().get().memory());
            }
            done.accept(tensor.values());
        }
    }

    private void convert(Weight weight, WeightFormat format, SafetensorsWriter file) throws IOException {
        int columns = weight.columns();
        int step = Math.min(weight.rows(), RowConverter.rowsAtATime(columns));
        try (Arena arena = Arena.ofShared()) {
            MemorySegment data = arena.allocate(format.bytes((long) step * columns), Long.BYTES);
            MemorySegment factors = arena.allocate(factorBytes(format, (long) step * columns), Long.BYTES);
            for (int row = 0; row < weight.rows(); row += step) {
                int count = Math.min(step, weight.rows() - row);
                long before = (long) row * columns;
                long values = (long) count * columns;
                Weight converted = new Weight(weight.name(), format, count, columns,
                        data.asSlice(0, format.bytes(values)), factors.asSlice(0, factorBytes(format, values)));
                converter.convert(weight.rows(row, count), converted);
                file.write(weight.name(), format.bytes(before), converted.data());
                if (format.isQuantized()) {
                    file.write(StoredTensors.factorsOf(weight.name()), factorBytes(format, before),
                            converted.factors());
                }
                done.accept(values);
            }
        }
    }

    private static long factorBytes(WeightFormat format, long values) {
        return format.isQuantized() ? values / Weight.BLOCK * Float.BYTES : 0;
    }
}
