// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.model.Excerpt;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.StoredQuantization;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

/** Finds tensors that files have as several. */
final class PackedTensors {
    private static final Set<String> FLOAT8 = Set.of("F8_E4M3", "F8_E5M2");
    private static final String SCALE = "_scale";
    private static final String INVERSE = "_scale_inv"; // of what was divided by: it is multiplied with all the same
    private static final String ZERO_POINT = "_zero_point";

    private PackedTensors() {}

    /**
     * Returns what a tensor is stored as, empty if it is as it is.
     *
     * @param entries the tensors of the files by name
     * @throws ModelLoadException if there are numbers without factors, or both do not fit each other
     */
    static Optional<PackedTensor> find(String tensor, Map<String, Entry> entries, StoredQuantization quantization) {
        Entry entry = entries.get(tensor);
        if (entry == null) {
            return absent(tensor, entries);
        }
        Entry scales = entries.containsKey(tensor + INVERSE) ? entries.get(tensor + INVERSE)
                : entries.get(tensor + SCALE);
        boolean isFloat8 = FLOAT8.contains(entry.type());
        if (isFloat8 && scales == null) {
            throw new ModelLoadException("tensor " + tensor + " is of type " + entry.type()
                    + ", expected its factors in " + tensor + INVERSE + " or " + tensor + SCALE);
        }
        if (scales == null || !isFloat8 && !entry.type().equals("I8")) {
            return Optional.empty();
        }
        return Optional.of(ByteTensor.of(entry, scales, Optional.ofNullable(entries.get(tensor + ZERO_POINT)),
                quantization));
    }

    private static Optional<PackedTensor> absent(String tensor, Map<String, Entry> entries) {
        Entry blocks = entries.get(tensor + Mxfp4.BLOCKS);
        Entry powers = entries.get(tensor + Mxfp4.SCALES);
        if (blocks != null && powers != null) {
            return Optional.of(new Mxfp4(tensor, blocks, powers));
        }
        Entry packed = entries.get(tensor + PackedIntegers.WORDS);
        if (packed == null) {
            return Optional.empty();
        }
        return Optional.of(PackedIntegers.of(tensor, packed,
                required(tensor + SCALE, packed, entries.get(tensor + SCALE)),
                required(tensor + PackedIntegers.SHAPE, packed, entries.get(tensor + PackedIntegers.SHAPE)),
                Optional.ofNullable(entries.get(tensor + ZERO_POINT)),
                Optional.ofNullable(entries.get(tensor + PackedIntegers.GROUPS))));
    }

    private static Entry required(String name, Entry packed, @Nullable Entry found) {
        if (found == null) {
            throw new ModelLoadException("tensor " + packed.name() + " of type " + Excerpt.of(packed.type())
                    + " needs another one that is not there: " + name);
        }
        return found;
    }
}
