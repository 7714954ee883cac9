// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.quantize;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

import io.github.chaijlama.safetensors.SafetensorsFile.Entry;
import io.github.chaijlama.safetensors.SafetensorsWriter.Tensor;
import io.github.chaijlama.weight.StoredTensors;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

/**
 * A tensor as it is to be written.
 *
 * @param stored  as it is stored; what is stored as several tensors has the name and shape of what they stand for
 * @param more    what belongs to it: block factors if it is copied and has some, all but the first of several
 * @param format  what it becomes; empty if it is copied
 */
record WrittenTensor(Entry stored, List<Entry> more, Optional<WeightFormat> format) {
    WrittenTensor {
        more = List.copyOf(more);
    }

    /** Returns the number of its values. */
    long values() {
        return Arrays.stream(stored.shape()).reduce(1, (a, b) -> a * b);
    }

    /** Returns the values of a row. */
    int columns() {
        return stored.shape().length == 0 ? 1 : Math.toIntExact(stored.shape()[stored.shape().length - 1]);
    }

    /** Returns its bytes as it is stored, without factors that are not copied. */
    long storedBytes() {
        return stored.memory().byteSize() + more.stream().mapToLong(entry -> entry.memory().byteSize()).sum();
    }

    /** Returns what it is in the file: itself, and block factors where it is quantized. */
    List<Tensor> inFile() {
        List<Tensor> tensors = new ArrayList<>();
        if (format.isEmpty()) {
            tensors.add(copy(stored));
            more.forEach(entry -> tensors.add(copy(entry)));
            return tensors;
        }
        WeightFormat type = format.get();
        tensors.add(new Tensor(stored.name(), type.name(), shape(stored), type.bytes(values())));
        if (type.isQuantized()) {
            List<Long> blocks = new ArrayList<>(shape(stored));
            blocks.set(blocks.size() - 1, blocks.getLast() / Weight.BLOCK);
            tensors.add(new Tensor(StoredTensors.factorsOf(stored.name()), WeightFormat.F32.name(), blocks,
                    values() / Weight.BLOCK * Float.BYTES));
        }
        return tensors;
    }

    private static Tensor copy(Entry entry) {
        return new Tensor(entry.name(), entry.type(), shape(entry), entry.memory().byteSize());
    }

    private static List<Long> shape(Entry entry) {
        return Arrays.stream(entry.shape()).boxed().toList();
    }
}
