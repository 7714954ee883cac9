// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.blas.BlasLibrary;
import io.github.chaijlama.blas.BlasLibrary.Matrix;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * Finds out how many inputs a library can be given in a call if it is to treat all places of a block alike. Kernels
 * work on tiles, and some add up a tile's first rows, or those at an edge, in another order than the rest: OpenBLAS's
 * for AVX2 do, those for AVX-512 and for older machines do not.
 */
final class BlasBlock {
    /** Rows of a weight of a call. */
    static final int ROWS = 128;
    private static final Logger logger = LoggerFactory.getLogger(BlasBlock.class);
    private static final int INPUTS = 64;
    /** So few are less than a tile. They read the weight's rows eight times as often. */
    private static final int FEW_INPUTS = 8;
    /** Less than a library's own blocks of the inner dimension, more, and sizes that are no multiple of any. */
    private static final int[] INNER = { 32, 96, 544, 2304 };
    private static final int SEED = 42;

    private BlasBlock() {}

    /**
     * Returns the inputs of a call: {@value #INPUTS} if that is possible. Tells the log if it is not.
     *
     * @param library what multiplies
     */
    static int inputs(BlasLibrary library) {
        if (areAlike(library, INPUTS)) {
            return INPUTS;
        }
        if (areAlike(library, FEW_INPUTS)) {
            logger.warn(
                    "{} has an order of sums for each place of a block. So that an answer depends on no neighbour it "
                            + "gets {} rows at a time, which is slow: operators 'vector' are faster",
                    library.description(),
                    FEW_INPUTS);
            return FEW_INPUTS;
        }
        logger.warn(
                "{} has an order of sums for each place of a block: the last bits of prompts depend on how they are "
                        + "cut and on what shares their steps. Operators 'vector' have no such order",
                library.description());
        return INPUTS;
    }

    /** Returns whether equal inputs, and equal rows of a weight, have equal results at all places of a block. */
    private static boolean areAlike(BlasLibrary library, int inputs) {
        SplittableRandom random = new SplittableRandom(SEED);
        try (Arena arena = Arena.ofConfined()) {
            for (int inner : INNER) {
                MemorySegment one = rows(arena, 1, inner, random);
                MemorySegment out = arena.allocate((long) inputs * ROWS * Float.BYTES, Float.BYTES);
                multiply(library, inputs, inner, repeated(arena, one, inputs), rows(arena, ROWS, inner, random), out);
                boolean alike = areEqual(out, inputs, ROWS, ROWS, 1);
                multiply(library, inputs, inner, rows(arena, inputs, inner, random), repeated(arena, one, ROWS), out);
                if (!alike || !areEqual(out, ROWS, inputs, 1, ROWS)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static MemorySegment rows(Arena arena, int rows, int inner, SplittableRandom random) {
        MemorySegment memory = arena.allocate((long) rows * inner * Float.BYTES, Float.BYTES);
        for (long i = 0; i < (long) rows * inner; i++) {
            memory.setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
        }
        return memory;
    }

    private static MemorySegment repeated(Arena arena, MemorySegment row, int times) {
        MemorySegment memory = arena.allocate(row.byteSize() * times, Float.BYTES);
        for (int i = 0; i < times; i++) {
            memory.asSlice(i * row.byteSize()).copyFrom(row);
        }
        return memory;
    }

    private static void multiply(BlasLibrary library, int inputs, int inner, MemorySegment in, MemorySegment weight,
            MemorySegment out) {
        library.multiply(inputs, ROWS, inner, new Matrix(in, 0, inner), new Matrix(weight, 0, inner),
                new Matrix(out, 0, ROWS));
    }

    /** Returns whether {@code (i, j)} is {@code (0, j)} for all {@code i} and {@code j}, bit for bit. */
    private static boolean areEqual(MemorySegment out, int count, int others, int stride, int otherStride) {
        for (int i = 1; i < count; i++) {
            for (int j = 0; j < others; j++) {
                if (get(out, i * stride + j * otherStride) != get(out, j * otherStride)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static int get(MemorySegment out, int index) {
        return Float.floatToRawIntBits(out.getAtIndex(JAVA_FLOAT, index));
    }
}
