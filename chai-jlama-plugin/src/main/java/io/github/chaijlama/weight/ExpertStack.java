// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import io.github.chaijlama.model.Excerpt;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

/** Takes apart a tensor that has the matrices of all experts of a layer. */
final class ExpertStack {
    private ExpertStack() {}

    /**
     * Returns the matrices, on the tensor's memory.
     *
     * @param stack {@code (expert, rows, columns)}
     * @param names of the matrices of an expert, {@code #} in each for its number
     * @throws ModelLoadException if the tensor does not have such a shape
     */
    static List<Entry> parts(Entry stack, List<String> names) {
        long[] shape = stack.shape();
        if (shape.length != 3 || Arrays.stream(shape).anyMatch(size -> size < 1) || shape[1] % names.size() != 0) {
            throw new ModelLoadException("tensor " + stack.name() + " must have experts, rows of " + names.size()
                    + (names.size() == 1 ? " matrix" : " matrices") + " and columns, found shape "
                    + Excerpt.of(Arrays.toString(shape)));
        }
        long rows = shape[1] / names.size();
        long bytes = stack.memory().byteSize() / shape[0] / names.size();
        List<Entry> parts = new ArrayList<>();
        for (int expert = 0; expert < shape[0]; expert++) {
            for (String name : names) {
                parts.add(new Entry(name.replace("#", Integer.toString(expert)), stack.type(),
                        new long[]{ rows, shape[2] }, stack.memory().asSlice(parts.size() * bytes, bytes)));
            }
        }
        return parts;
    }
}
