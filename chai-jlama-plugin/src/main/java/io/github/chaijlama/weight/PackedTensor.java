// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorPart;

/** A tensor that files have as several: numbers of few bits, and what these are multiplied with. */
interface PackedTensor {

    /** Returns the name of the tensor that it stands for. */
    String name();

    /** Returns how its numbers are stored, for messages. */
    String type();

    /**
     * Returns the format that holds its values as they are. {@link WeightFormat#F32} rounds the product of number and
     * factor once, as whoever multiplies with another format does.
     */
    WeightFormat format();

    /** Returns the names of the tensors it is stored as. */
    List<String> tensors();

    /** Returns the bytes that the rows of a part take in the files. */
    long bytes(TensorPart part);

    /**
     * Checks that the tensors have the shape that a part asks for.
     *
     * @throws ModelLoadException if they do not
     */
    void requireFits(TensorPart part);

    /**
     * Returns the rows of a part in its format, on the mapped memory where they lie there as they are needed.
     *
     * @param arena     owns the memory; must allow access from any thread
     * @param converter shares the work
     * @throws ModelLoadException if there is no memory for it, or a factor is not a number
     */
    Weight unpack(TensorPart part, Arena arena, RowConverter converter);

    /** Allocates memory for what a tensor becomes. */
    static MemorySegment allocate(Arena arena, long bytes, String tensor) {
        try {
            return arena.allocate(bytes, 64);
        } catch (OutOfMemoryError e) {
            throw new ModelLoadException("there is no memory for the " + bytes + " bytes that tensor " + tensor
                    + " is converted to", e);
        }
    }

    /** Returns the row of the whole tensor, slices one after the other, that is a row of a part. */
    static long sourceRow(TensorPart part, int row) {
        return (long) part.slice() * part.height() + part.first() + (long) row * part.step();
    }
}
