// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

import io.github.chaijlama.weight.Weight;

import static io.github.chaijlama.kernel.VectorMemory.FENCE;
import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.ORDER;
import static io.github.chaijlama.kernel.VectorMemory.PLACES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;
import static io.github.chaijlama.kernel.VectorMemory.VECTOR_BYTES;
import static io.github.chaijlama.kernel.VectorMemory.get;
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

/** Products with weights of signed bytes, a factor for each block of {@value Weight#BLOCK}. */
final class VectorI8Products {
    /** Rows of the weight that are read side by side: a machine's prefetcher follows several streams at once. */
    static final int STREAMS = 4;
    /** Species of as many bytes as a vector has lanes, or more where there is none of 32 bits. */
    private static final VectorSpecies<Byte> BYTES = VectorSpecies.of(byte.class,
            VectorShape.forBitSize(Math.max(64, LANES * Byte.SIZE)));
    private static final int BLOCK_VECTORS = Weight.BLOCK / LANES;

    private VectorI8Products() {}

    /** Four lanes take half of the narrowest species: the first of a pair of vectors, or the second. */
    private static FloatVector numbers(MemorySegment memory, long at, int vector) {
        if (LANES == 4) {
            return (FloatVector) ByteVector.fromMemorySegment(BYTES, memory, at + vector / 2 * 8L, ORDER)
                    .convertShape(VectorOperators.B2F, SPECIES, vector % 2);
        }
        return (FloatVector) ByteVector.fromMemorySegment(BYTES, memory, at + (long) vector * LANES, ORDER)
                .convertShape(VectorOperators.B2F, SPECIES, 0);
    }

    /**
     * Multiplies one input with {@value #STREAMS} rows; sums are {@code (row, lane)}.
     *
     * @param at           first row
     * @param stride       bytes from row to row
     * @param factorsAt    factors of the first row
     * @param factorStride bytes from factors to factors
     */
    static void one(MemorySegment data, long at, long stride, MemorySegment factors, long factorsAt, long factorStride,
            MemorySegment in, long inAt, int vectors, MemorySegment sums, long sumsAt) {
        MemorySegment w = memory(data);
        long row1 = stride & OFFSETS;
        long row2 = 2 * stride & OFFSETS;
        long row3 = 3 * stride & OFFSETS;
        long factor1 = factorStride & OFFSETS;
        long factor2 = 2 * factorStride & OFFSETS;
        long factor3 = 3 * factorStride & OFFSETS;
        FloatVector t0 = zero();
        FloatVector t1 = zero();
        FloatVector t2 = zero();
        FloatVector t3 = zero();
        long end = inAt + vectors * VECTOR_BYTES;
        for (long xAt = inAt, wAt = at, fAt = factorsAt; xAt != end;) {
            long chunkEnd = Math.min(end, xAt + CHUNK_BYTES);
            FloatVector s0 = zero();
            FloatVector s1 = zero();
            FloatVector s2 = zero();
            FloatVector s3 = zero();
            for (; xAt != chunkEnd; xAt += BLOCK_VECTORS * VECTOR_BYTES, wAt += Weight.BLOCK, fAt += Float.BYTES) {
                long a = xAt & PLACES;
                long b = wAt & PLACES;
                long f = fAt & PLACES;
                float f0 = get(factors, f);
                float f1 = get(factors, f + factor1);
                float f2 = get(factors, f + factor2);
                float f3 = get(factors, f + factor3);
                for (int v = 0; v < BLOCK_VECTORS; v++) {
                    FloatVector x = load(in, a + v * VECTOR_BYTES);
                    s0 = x.fma(numbers(w, b, v).mul(f0), s0);
                    s1 = x.fma(numbers(w, b + row1, v).mul(f1), s1);
                    s2 = x.fma(numbers(w, b + row2, v).mul(f2), s2);
                    s3 = x.fma(numbers(w, b + row3, v).mul(f3), s3);
                }
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

    /**
     * Multiplies a pair of inputs with two rows, {@code stride} and {@code factorStride} bytes apart; sums are
     * {@code (row, input, lane)}.
     */
    static void pair(MemorySegment data, long at, long stride, MemorySegment factors, long factorsAt,
            long factorStride, MemorySegment in, long inAt, int vectors, MemorySegment sums, long sumsAt) {
        MemorySegment w = memory(data);
        long row1 = stride & OFFSETS;
        long factor1 = factorStride & OFFSETS;
        FloatVector t00 = zero();
        FloatVector t01 = zero();
        FloatVector t10 = zero();
        FloatVector t11 = zero();
        long end = inAt + vectors * PAIR_BYTES;
        for (long xAt = inAt, wAt = at, fAt = factorsAt; xAt != end;) {
            long chunkEnd = Math.min(end, xAt + PAIR * CHUNK_BYTES);
            FloatVector s00 = zero();
            FloatVector s01 = zero();
            FloatVector s10 = zero();
            FloatVector s11 = zero();
            for (; xAt != chunkEnd; xAt += BLOCK_VECTORS * PAIR_BYTES, wAt += Weight.BLOCK, fAt += Float.BYTES) {
                long a = xAt & PLACES;
                long b = wAt & PLACES;
                long f = fAt & PLACES;
                float f0 = get(factors, f);
                float f1 = get(factors, f + factor1);
                for (int v = 0; v < BLOCK_VECTORS; v++) {
                    FloatVector x0 = load(in, a + v * PAIR_BYTES);
                    FloatVector x1 = load(in, a + v * PAIR_BYTES + VECTOR_BYTES);
                    FloatVector w0 = numbers(w, b, v).mul(f0);
                    s00 = w0.fma(x0, s00);
                    s01 = w0.fma(x1, s01);
                    FloatVector w1 = numbers(w, b + row1, v).mul(f1);
                    s10 = w1.fma(x0, s10);
                    s11 = w1.fma(x1, s11);
                }
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
    static void group(MemorySegment data, long at, MemorySegment factors, long factorsAt, MemorySegment in, long inAt,
            int vectors, MemorySegment sums, long sumsAt) {
        MemorySegment memory = memory(data);
        FloatVector t0 = zero();
        FloatVector t1 = zero();
        FloatVector t2 = zero();
        FloatVector t3 = zero();
        long end = inAt + vectors * GROUP_BYTES;
        for (long xAt = inAt, wAt = at, fAt = factorsAt; xAt != end;) {
            long chunkEnd = Math.min(end, xAt + GROUP * CHUNK_BYTES);
            FloatVector s0 = zero();
            FloatVector s1 = zero();
            FloatVector s2 = zero();
            FloatVector s3 = zero();
            for (; xAt != chunkEnd; xAt += BLOCK_VECTORS * GROUP_BYTES, wAt += Weight.BLOCK, fAt += Float.BYTES) {
                float factor = get(factors, fAt & PLACES);
                long a = xAt & PLACES;
                long b = wAt & PLACES;
                for (int v = 0; v < BLOCK_VECTORS; v++) {
                    FloatVector w = numbers(memory, b, v).mul(factor);
                    s0 = w.fma(load(in, a + v * GROUP_BYTES), s0);
                    s1 = w.fma(load(in, a + v * GROUP_BYTES + VECTOR_BYTES), s1);
                    s2 = w.fma(load(in, a + v * GROUP_BYTES + 2 * VECTOR_BYTES), s2);
                    s3 = w.fma(load(in, a + v * GROUP_BYTES + 3 * VECTOR_BYTES), s3);
                }
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
    static void widen(MemorySegment data, long at, MemorySegment factors, long factorsAt, int vectors,
            MemorySegment panel, long panelAt) {
        MemorySegment w = memory(data);
        long end = panelAt + vectors * PANEL_BYTES;
        for (long to = panelAt, from = at, fAt = factorsAt; to != end; to += BLOCK_VECTORS
                * PANEL_BYTES, from += Weight.BLOCK, fAt += Float.BYTES) {
            float factor = get(factors, fAt & PLACES);
            for (int v = 0; v < BLOCK_VECTORS; v++) {
                store(numbers(w, from & PLACES, v).mul(factor), panel, (to & PLACES) + v * PANEL_BYTES);
            }
        }
    }
}
