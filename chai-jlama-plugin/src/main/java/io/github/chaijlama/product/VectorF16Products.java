// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

import static io.github.chaijlama.kernel.VectorMemory.FENCE;
import static io.github.chaijlama.kernel.VectorMemory.INTS;
import static io.github.chaijlama.kernel.VectorMemory.ORDER;
import static io.github.chaijlama.kernel.VectorMemory.PLACES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;
import static io.github.chaijlama.kernel.VectorMemory.VECTOR_BYTES;
import static io.github.chaijlama.kernel.VectorMemory.load;
import static io.github.chaijlama.kernel.VectorMemory.memory;
import static io.github.chaijlama.kernel.VectorMemory.store;
import static io.github.chaijlama.kernel.VectorMemory.zero;
import static io.github.chaijlama.product.ProductKernels.GROUP;
import static io.github.chaijlama.product.ProductKernels.PAIR;
import static io.github.chaijlama.product.VectorProductKernels.CHUNK_BYTES;
import static io.github.chaijlama.product.VectorProductKernels.GROUP_BYTES;
import static io.github.chaijlama.product.VectorProductKernels.OFFSETS;
import static io.github.chaijlama.product.VectorProductKernels.PAIR_BYTES;
import static io.github.chaijlama.product.VectorProductKernels.PANEL_BYTES;

/** Products with weights of IEEE 754 half precision. */
final class VectorF16Products {
    /** Rows of the weight that are read side by side: a machine's prefetcher follows several streams at once. */
    static final int STREAMS = 2;
    private static final VectorSpecies<Short> HALVES = VectorSpecies.of(short.class,
            VectorShape.forBitSize(SPECIES.vectorBitSize() / 2));
    /** Bits of a half that are not its sign, once they stand where a 32-bit float has its exponent and fraction. */
    private static final int MAGNITUDE = 0x7FFF << 13;
    /** The least of them that is infinite or not a number. */
    private static final int INFINITE = 0x7C00 << 13;
    /** What the exponents differ by: 127 - 15. Also makes a subnormal half the number it is. */
    private static final float REBIAS = 0x1p112f;

    private VectorF16Products() {}

    private static FloatVector widened(MemorySegment memory, long at) {
        IntVector half = (IntVector) ShortVector.fromMemorySegment(HALVES, memory, at, ORDER)
                .convertShape(VectorOperators.S2I, INTS, 0);
        IntVector magnitude = half.lanewise(VectorOperators.LSHL, 13).and(MAGNITUDE);
        IntVector number = magnitude.reinterpretAsFloats().mul(REBIAS).reinterpretAsInts();
        // The exponent of infinity and NaN is all ones in both formats.
        IntVector all = number.blend(magnitude.or(0x7F800000), magnitude.compare(VectorOperators.GE, INFINITE));
        return all.or(half.and(0x80000000)).reinterpretAsFloats();
    }

    /**
     * Multiplies one input with {@value #STREAMS} rows; sums are {@code (row, lane)}.
     *
     * @param at     first row
     * @param stride bytes from row to row
     */
    static void one(MemorySegment data, long at, long stride, MemorySegment in, long inAt, int vectors,
            MemorySegment sums, long sumsAt) {
        MemorySegment w = memory(data);
        long row1 = stride & OFFSETS;
        FloatVector t0 = zero();
        FloatVector t1 = zero();
        long end = inAt + vectors * VECTOR_BYTES;
        for (long xAt = inAt, wAt = at; xAt != end;) {
            long chunkEnd = Math.min(end, xAt + CHUNK_BYTES);
            FloatVector s0 = zero();
            FloatVector s1 = zero();
            for (; xAt != chunkEnd; xAt += VECTOR_BYTES, wAt += VECTOR_BYTES / 2) {
                FloatVector x = load(in, xAt & PLACES);
                long b = wAt & PLACES;
                s0 = x.fma(widened(w, b), s0);
                s1 = x.fma(widened(w, b + row1), s1);
                if (FENCE) {
                    VarHandle.loadLoadFence();
                }
            }
            t0 = t0.add(s0);
            t1 = t1.add(s1);
        }
        store(t0, sums, sumsAt);
        store(t1, sums, sumsAt + VECTOR_BYTES);
    }

    /** Multiplies a pair of inputs with two rows, {@code stride} bytes apart; sums are {@code (row, input, lane)}. */
    static void pair(MemorySegment data, long at, long stride, MemorySegment in, long inAt, int vectors,
            MemorySegment sums, long sumsAt) {
        MemorySegment w = memory(data);
        long row1 = stride & OFFSETS;
        FloatVector t00 = zero();
        FloatVector t01 = zero();
        FloatVector t10 = zero();
        FloatVector t11 = zero();
        long end = inAt + vectors * PAIR_BYTES;
        for (long xAt = inAt, wAt = at; xAt != end;) {
            long chunkEnd = Math.min(end, xAt + PAIR * CHUNK_BYTES);
            FloatVector s00 = zero();
            FloatVector s01 = zero();
            FloatVector s10 = zero();
            FloatVector s11 = zero();
            for (; xAt != chunkEnd; xAt += PAIR_BYTES, wAt += VECTOR_BYTES / 2) {
                long a = xAt & PLACES;
                long b = wAt & PLACES;
                FloatVector x0 = load(in, a);
                FloatVector x1 = load(in, a + VECTOR_BYTES);
                FloatVector w0 = widened(w, b);
                s00 = w0.fma(x0, s00);
                s01 = w0.fma(x1, s01);
                FloatVector w1 = widened(w, b + row1);
                s10 = w1.fma(x0, s10);
                s11 = w1.fma(x1, s11);
                if (FENCE) {
                    VarHandle.loadLoadFence();
                }
            }
            t00 = t00.add(s00);
            t01 = t01.add(s01);
            t10 = t10.add(s10);
            t11 = t11.add(s11);
        }
        store(t00, sums, sumsAt);
        store(t01, sums, sumsAt + VECTOR_BYTES);
        store(t10, sums, sumsAt + 2 * VECTOR_BYTES);
        store(t11, sums, sumsAt + 3 * VECTOR_BYTES);
    }

    /** Multiplies a group of inputs with one row; sums are {@code (input, lane)}. */
    static void group(MemorySegment data, long at, MemorySegment in, long inAt, int vectors, MemorySegment sums,
            long sumsAt) {
        MemorySegment memory = memory(data);
        FloatVector t0 = zero();
        FloatVector t1 = zero();
        FloatVector t2 = zero();
        FloatVector t3 = zero();
        long end = inAt + vectors * GROUP_BYTES;
        for (long xAt = inAt, wAt = at; xAt != end;) {
            long chunkEnd = Math.min(end, xAt + GROUP * CHUNK_BYTES);
            FloatVector s0 = zero();
            FloatVector s1 = zero();
            FloatVector s2 = zero();
            FloatVector s3 = zero();
            for (; xAt != chunkEnd; xAt += GROUP_BYTES, wAt += VECTOR_BYTES / 2) {
                FloatVector w = widened(memory, wAt & PLACES);
                long a = xAt & PLACES;
                s0 = w.fma(load(in, a), s0);
                s1 = w.fma(load(in, a + VECTOR_BYTES), s1);
                s2 = w.fma(load(in, a + 2 * VECTOR_BYTES), s2);
                s3 = w.fma(load(in, a + 3 * VECTOR_BYTES), s3);
                if (FENCE) {
                    VarHandle.loadLoadFence();
                }
            }
            t0 = t0.add(s0);
            t1 = t1.add(s1);
            t2 = t2.add(s2);
            t3 = t3.add(s3);
        }
        store(t0, sums, sumsAt);
        store(t1, sums, sumsAt + VECTOR_BYTES);
        store(t2, sums, sumsAt + 2 * VECTOR_BYTES);
        store(t3, sums, sumsAt + 3 * VECTOR_BYTES);
    }

    /** Widens a row into its places of a panel. */
    static void widen(MemorySegment data, long at, int vectors, MemorySegment panel, long panelAt) {
        MemorySegment w = memory(data);
        long end = panelAt + vectors * PANEL_BYTES;
        for (long to = panelAt, from = at; to != end; to += PANEL_BYTES, from += VECTOR_BYTES / 2) {
            store(widened(w, from & PLACES), panel, to & PLACES);
        }
    }
}
