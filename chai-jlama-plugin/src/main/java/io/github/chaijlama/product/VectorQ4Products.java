// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

import static io.github.chaijlama.kernel.VectorMemory.FENCE;
import static io.github.chaijlama.kernel.VectorMemory.INTS;
import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.ORDER;
import static io.github.chaijlama.kernel.VectorMemory.PLACES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;
import static io.github.chaijlama.kernel.VectorMemory.VECTOR_BYTES;
import static io.github.chaijlama.kernel.VectorMemory.memory;
import static io.github.chaijlama.product.ProductKernels.GROUP;
import static io.github.chaijlama.product.ProductKernels.PAIR;
import static io.github.chaijlama.product.VectorProductKernels.CHUNK_BYTES;
import static io.github.chaijlama.product.VectorProductKernels.GROUP_BYTES;
import static io.github.chaijlama.product.VectorProductKernels.OFFSETS;
import static io.github.chaijlama.product.VectorProductKernels.PAIR_BYTES;
import static io.github.chaijlama.product.VectorProductKernels.PANEL_BYTES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * Products with weights of Jlama's Q4. A vector of 32-bit words holds eight weights a lane; lane {@code l} belongs to
 * block {@code l / 4} of those the vector spans. A number of four bits becomes a float without a conversion: put into
 * the fraction of a power of two whose last place is worth as much as the number's lowest bit, of which the power, and
 * the 8 that Jlama adds, are taken off again, exactly. Four positions in a word have a power each; the upper half of
 * the word moves down for the other four. Everything is written out: vectors that a method of ours returns here are
 * objects to C2, ten times slower.
 */
final class VectorQ4Products {
    /** Rows of the weight that are read side by side: a machine's prefetcher follows several streams at once. */
    static final int STREAMS = 3;
    /** Vectors that the words of one vector widen to. */
    static final int WORD_VECTORS = Integer.SIZE / 4;
    private static final int POWER_A = Float.floatToRawIntBits(0x1p23f);
    private static final int POWER_B = Float.floatToRawIntBits(0x1p19f);
    private static final int POWER_C = Float.floatToRawIntBits(0x1p15f);
    private static final int POWER_D = Float.floatToRawIntBits(0x1p11f);
    private static final float ZERO_A = 0x1p23f + 8;
    private static final float ZERO_B = 0x1p19f + 8;
    private static final float ZERO_C = 0x1p15f + 8;
    private static final float ZERO_D = 0x1p11f + 8;
    /** Blocks of a vector of words. */
    private static final int BLOCKS = LANES / 4;
    private static final long WORD_FACTORS_BYTES = (long) BLOCKS * Float.BYTES;
    private static final VectorSpecies<Float> FACTORS = VectorSpecies.of(float.class,
            VectorShape.forBitSize(Math.max(64, BLOCKS * Float.SIZE)));
    /** Deals a vector's factors out to the lanes of their blocks. */
    private static final VectorShuffle<Float> TO_LANES = VectorShuffle.fromOp(SPECIES, lane -> lane / 4);

    private VectorQ4Products() {}

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
        MemorySegment scales = memory(factors);
        MemorySegment x = memory(in);
        MemorySegment s = memory(sums);
        long row1 = stride & OFFSETS;
        long row2 = 2 * stride & OFFSETS;
        long factor1 = factorStride & OFFSETS;
        long factor2 = 2 * factorStride & OFFSETS;
        FloatVector t0 = FloatVector.zero(SPECIES);
        FloatVector t1 = FloatVector.zero(SPECIES);
        FloatVector t2 = FloatVector.zero(SPECIES);
        long end = inAt + vectors * VECTOR_BYTES;
        for (long xAt = inAt, wAt = at, fAt = factorsAt; xAt != end;) {
            long chunkEnd = Math.min(end, xAt + CHUNK_BYTES);
            FloatVector s0 = FloatVector.zero(SPECIES);
            FloatVector s1 = FloatVector.zero(SPECIES);
            FloatVector s2 = FloatVector.zero(SPECIES);
            for (; xAt != chunkEnd; xAt += WORD_VECTORS
                    * VECTOR_BYTES, wAt += VECTOR_BYTES, fAt += WORD_FACTORS_BYTES) {
                long a = xAt & PLACES;
                long b = wAt & PLACES;
                long f = fAt & PLACES;
                FloatVector x0 = FloatVector.fromMemorySegment(SPECIES, x, a, ORDER);
                FloatVector x1 = FloatVector.fromMemorySegment(SPECIES, x, a + VECTOR_BYTES, ORDER);
                FloatVector x2 = FloatVector.fromMemorySegment(SPECIES, x, a + 2 * VECTOR_BYTES, ORDER);
                FloatVector x3 = FloatVector.fromMemorySegment(SPECIES, x, a + 3 * VECTOR_BYTES, ORDER);
                FloatVector x4 = FloatVector.fromMemorySegment(SPECIES, x, a + 4 * VECTOR_BYTES, ORDER);
                FloatVector x5 = FloatVector.fromMemorySegment(SPECIES, x, a + 5 * VECTOR_BYTES, ORDER);
                FloatVector x6 = FloatVector.fromMemorySegment(SPECIES, x, a + 6 * VECTOR_BYTES, ORDER);
                FloatVector x7 = FloatVector.fromMemorySegment(SPECIES, x, a + 7 * VECTOR_BYTES, ORDER);
                FloatVector f0 = BLOCKS == 1 ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f))
                        : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f, ORDER)
                                .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES);
                IntVector w0 = IntVector.fromMemorySegment(INTS, w, b, ORDER);
                s0 = x0.fma(w0.and(0xF).or(POWER_A).reinterpretAsFloats().sub(ZERO_A).mul(f0), s0);
                s0 = x1.fma(w0.and(0xF0).or(POWER_B).reinterpretAsFloats().sub(ZERO_B).mul(f0), s0);
                s0 = x2.fma(w0.and(0xF00).or(POWER_C).reinterpretAsFloats().sub(ZERO_C).mul(f0), s0);
                s0 = x3.fma(w0.and(0xF000).or(POWER_D).reinterpretAsFloats().sub(ZERO_D).mul(f0), s0);
                w0 = w0.lanewise(VectorOperators.LSHR, 16);
                s0 = x4.fma(w0.and(0xF).or(POWER_A).reinterpretAsFloats().sub(ZERO_A).mul(f0), s0);
                s0 = x5.fma(w0.and(0xF0).or(POWER_B).reinterpretAsFloats().sub(ZERO_B).mul(f0), s0);
                s0 = x6.fma(w0.and(0xF00).or(POWER_C).reinterpretAsFloats().sub(ZERO_C).mul(f0), s0);
                s0 = x7.fma(w0.and(0xF000).or(POWER_D).reinterpretAsFloats().sub(ZERO_D).mul(f0), s0);
                FloatVector f1 = BLOCKS == 1
                        ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f + factor1))
                        : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f + factor1, ORDER)
                                .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES);
                IntVector w1 = IntVector.fromMemorySegment(INTS, w, b + row1, ORDER);
                s1 = x0.fma(w1.and(0xF).or(POWER_A).reinterpretAsFloats().sub(ZERO_A).mul(f1), s1);
                s1 = x1.fma(w1.and(0xF0).or(POWER_B).reinterpretAsFloats().sub(ZERO_B).mul(f1), s1);
                s1 = x2.fma(w1.and(0xF00).or(POWER_C).reinterpretAsFloats().sub(ZERO_C).mul(f1), s1);
                s1 = x3.fma(w1.and(0xF000).or(POWER_D).reinterpretAsFloats().sub(ZERO_D).mul(f1), s1);
                w1 = w1.lanewise(VectorOperators.LSHR, 16);
                s1 = x4.fma(w1.and(0xF).or(POWER_A).reinterpretAsFloats().sub(ZERO_A).mul(f1), s1);
                s1 = x5.fma(w1.and(0xF0).or(POWER_B).reinterpretAsFloats().sub(ZERO_B).mul(f1), s1);
                s1 = x6.fma(w1.and(0xF00).or(POWER_C).reinterpretAsFloats().sub(ZERO_C).mul(f1), s1);
                s1 = x7.fma(w1.and(0xF000).or(POWER_D).reinterpretAsFloats().sub(ZERO_D).mul(f1), s1);
                FloatVector f2 = BLOCKS == 1
                        ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f + factor2))
                        : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f + factor2, ORDER)
                                .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES);
                IntVector w2 = IntVector.fromMemorySegment(INTS, w, b + row2, ORDER);
                s2 = x0.fma(w2.and(0xF).or(POWER_A).reinterpretAsFloats().sub(ZERO_A).mul(f2), s2);
                s2 = x1.fma(w2.and(0xF0).or(POWER_B).reinterpretAsFloats().sub(ZERO_B).mul(f2), s2);
                s2 = x2.fma(w2.and(0xF00).or(POWER_C).reinterpretAsFloats().sub(ZERO_C).mul(f2), s2);
                s2 = x3.fma(w2.and(0xF000).or(POWER_D).reinterpretAsFloats().sub(ZERO_D).mul(f2), s2);
                w2 = w2.lanewise(VectorOperators.LSHR, 16);
                s2 = x4.fma(w2.and(0xF).or(POWER_A).reinterpretAsFloats().sub(ZERO_A).mul(f2), s2);
                s2 = x5.fma(w2.and(0xF0).or(POWER_B).reinterpretAsFloats().sub(ZERO_B).mul(f2), s2);
                s2 = x6.fma(w2.and(0xF00).or(POWER_C).reinterpretAsFloats().sub(ZERO_C).mul(f2), s2);
                s2 = x7.fma(w2.and(0xF000).or(POWER_D).reinterpretAsFloats().sub(ZERO_D).mul(f2), s2);
                if (FENCE) {
                    VarHandle.loadLoadFence();
                }
            }
            t0 = t0.add(s0);
            t1 = t1.add(s1);
            t2 = t2.add(s2);
        }
        t0.intoMemorySegment(s, sumsAt, ORDER);
        t1.intoMemorySegment(s, sumsAt + VECTOR_BYTES, ORDER);
        t2.intoMemorySegment(s, sumsAt + 2 * VECTOR_BYTES, ORDER);
    }

    /**
     * Multiplies a pair of inputs with two rows, {@code stride} and {@code factorStride} bytes apart; sums are
     * {@code (row, input, lane)}. Half a word at a time, as {@link #group}.
     */
    static void pair(MemorySegment data, long at, long stride, MemorySegment factors, long factorsAt,
            long factorStride, MemorySegment in, long inAt, int vectors, MemorySegment sums, long sumsAt) {
        MemorySegment words = memory(data);
        MemorySegment scales = memory(factors);
        MemorySegment x = memory(in);
        MemorySegment s = memory(sums);
        long row1 = stride & OFFSETS;
        long factor1 = factorStride & OFFSETS;
        FloatVector t00 = FloatVector.zero(SPECIES);
        FloatVector t01 = FloatVector.zero(SPECIES);
        FloatVector t10 = FloatVector.zero(SPECIES);
        FloatVector t11 = FloatVector.zero(SPECIES);
        long end = inAt + vectors * PAIR_BYTES;
        for (long xAt = inAt, wAt = at, fAt = factorsAt; xAt != end;) {
            long chunkEnd = Math.min(end, xAt + PAIR * CHUNK_BYTES);
            FloatVector s00 = FloatVector.zero(SPECIES);
            FloatVector s01 = FloatVector.zero(SPECIES);
            FloatVector s10 = FloatVector.zero(SPECIES);
            FloatVector s11 = FloatVector.zero(SPECIES);
            for (; xAt != chunkEnd; wAt += VECTOR_BYTES, fAt += WORD_FACTORS_BYTES) {
                long b = wAt & PLACES;
                long f = fAt & PLACES;
                FloatVector f0 = BLOCKS == 1
                        ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f))
                        : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f, ORDER)
                                .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES);
                FloatVector f1 = BLOCKS == 1
                        ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f + factor1))
                        : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f + factor1, ORDER)
                                .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES);
                IntVector word0 = IntVector.fromMemorySegment(INTS, words, b, ORDER);
                IntVector word1 = IntVector.fromMemorySegment(INTS, words, b + row1, ORDER);
                for (int half = 0; half < 2; half++, xAt += WORD_VECTORS / 2 * PAIR_BYTES) {
                    long a = xAt & PLACES;
                    FloatVector x00 = FloatVector.fromMemorySegment(SPECIES, x, a, ORDER);
                    FloatVector x01 = FloatVector.fromMemorySegment(SPECIES, x, a + VECTOR_BYTES, ORDER);
                    FloatVector v0 = word0.and(0xF).or(POWER_A).reinterpretAsFloats().sub(ZERO_A).mul(f0);
                    s00 = v0.fma(x00, s00);
                    s01 = v0.fma(x01, s01);
                    FloatVector w0 = word1.and(0xF).or(POWER_A).reinterpretAsFloats().sub(ZERO_A).mul(f1);
                    s10 = w0.fma(x00, s10);
                    s11 = w0.fma(x01, s11);
                    FloatVector x10 = FloatVector.fromMemorySegment(SPECIES, x, a + 2 * VECTOR_BYTES, ORDER);
                    FloatVector x11 = FloatVector.fromMemorySegment(SPECIES, x, a + 3 * VECTOR_BYTES, ORDER);
                    FloatVector v1 = word0.and(0xF0).or(POWER_B).reinterpretAsFloats().sub(ZERO_B).mul(f0);
                    s00 = v1.fma(x10, s00);
                    s01 = v1.fma(x11, s01);
                    FloatVector w1 = word1.and(0xF0).or(POWER_B).reinterpretAsFloats().sub(ZERO_B).mul(f1);
                    s10 = w1.fma(x10, s10);
                    s11 = w1.fma(x11, s11);
                    FloatVector x20 = FloatVector.fromMemorySegment(SPECIES, x, a + 4 * VECTOR_BYTES, ORDER);
                    FloatVector x21 = FloatVector.fromMemorySegment(SPECIES, x, a + 5 * VECTOR_BYTES, ORDER);
                    FloatVector v2 = word0.and(0xF00).or(POWER_C).reinterpretAsFloats().sub(ZERO_C).mul(f0);
                    s00 = v2.fma(x20, s00);
                    s01 = v2.fma(x21, s01);
                    FloatVector w2 = word1.and(0xF00).or(POWER_C).reinterpretAsFloats().sub(ZERO_C).mul(f1);
                    s10 = w2.fma(x20, s10);
                    s11 = w2.fma(x21, s11);
                    FloatVector x30 = FloatVector.fromMemorySegment(SPECIES, x, a + 6 * VECTOR_BYTES, ORDER);
                    FloatVector x31 = FloatVector.fromMemorySegment(SPECIES, x, a + 7 * VECTOR_BYTES, ORDER);
                    FloatVector v3 = word0.and(0xF000).or(POWER_D).reinterpretAsFloats().sub(ZERO_D).mul(f0);
                    s00 = v3.fma(x30, s00);
                    s01 = v3.fma(x31, s01);
                    FloatVector w3 = word1.and(0xF000).or(POWER_D).reinterpretAsFloats().sub(ZERO_D).mul(f1);
                    s10 = w3.fma(x30, s10);
                    s11 = w3.fma(x31, s11);
                    word0 = word0.lanewise(VectorOperators.LSHR, 16);
                    word1 = word1.lanewise(VectorOperators.LSHR, 16);
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
        t00.intoMemorySegment(s, sumsAt, ORDER);
        t01.intoMemorySegment(s, sumsAt + VECTOR_BYTES, ORDER);
        t10.intoMemorySegment(s, sumsAt + 2 * VECTOR_BYTES, ORDER);
        t11.intoMemorySegment(s, sumsAt + 3 * VECTOR_BYTES, ORDER);
    }

    /**
     * Multiplies a group of inputs with one row; sums are {@code (input, lane)}. Half a word at a time: with all of it
     * C1 runs out of registers, gives up, and C2 never gets its turn.
     */
    static void group(MemorySegment data, long at, MemorySegment factors, long factorsAt, MemorySegment in, long inAt,
            int vectors, MemorySegment sums, long sumsAt) {
        MemorySegment words = memory(data);
        MemorySegment scales = memory(factors);
        MemorySegment x = memory(in);
        MemorySegment s = memory(sums);
        FloatVector t0 = FloatVector.zero(SPECIES);
        FloatVector t1 = FloatVector.zero(SPECIES);
        FloatVector t2 = FloatVector.zero(SPECIES);
        FloatVector t3 = FloatVector.zero(SPECIES);
        long end = inAt + vectors * GROUP_BYTES;
        for (long xAt = inAt, wAt = at, fAt = factorsAt; xAt != end;) {
            long chunkEnd = Math.min(end, xAt + GROUP * CHUNK_BYTES);
            FloatVector s0 = FloatVector.zero(SPECIES);
            FloatVector s1 = FloatVector.zero(SPECIES);
            FloatVector s2 = FloatVector.zero(SPECIES);
            FloatVector s3 = FloatVector.zero(SPECIES);
            for (; xAt != chunkEnd; wAt += VECTOR_BYTES, fAt += WORD_FACTORS_BYTES) {
                long f = fAt & PLACES;
                FloatVector factor = BLOCKS == 1 ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f))
                        : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f, ORDER)
                                .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES);
                IntVector word = IntVector.fromMemorySegment(INTS, words, wAt & PLACES, ORDER);
                for (int half = 0; half < 2; half++, xAt += WORD_VECTORS / 2 * GROUP_BYTES) {
                    long a = xAt & PLACES;
                    FloatVector w0 = word.and(0xF).or(POWER_A).reinterpretAsFloats().sub(ZERO_A).mul(factor);
                    s0 = w0.fma(FloatVector.fromMemorySegment(SPECIES, x, a, ORDER), s0);
                    s1 = w0.fma(FloatVector.fromMemorySegment(SPECIES, x, a + VECTOR_BYTES, ORDER), s1);
                    s2 = w0.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 2 * VECTOR_BYTES, ORDER), s2);
                    s3 = w0.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 3 * VECTOR_BYTES, ORDER), s3);
                    FloatVector w1 = word.and(0xF0).or(POWER_B).reinterpretAsFloats().sub(ZERO_B).mul(factor);
                    s0 = w1.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 4 * VECTOR_BYTES, ORDER), s0);
                    s1 = w1.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 5 * VECTOR_BYTES, ORDER), s1);
                    s2 = w1.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 6 * VECTOR_BYTES, ORDER), s2);
                    s3 = w1.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 7 * VECTOR_BYTES, ORDER), s3);
                    FloatVector w2 = word.and(0xF00).or(POWER_C).reinterpretAsFloats().sub(ZERO_C).mul(factor);
                    s0 = w2.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 8 * VECTOR_BYTES, ORDER), s0);
                    s1 = w2.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 9 * VECTOR_BYTES, ORDER), s1);
                    s2 = w2.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 10 * VECTOR_BYTES, ORDER), s2);
                    s3 = w2.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 11 * VECTOR_BYTES, ORDER), s3);
                    FloatVector w3 = word.and(0xF000).or(POWER_D).reinterpretAsFloats().sub(ZERO_D).mul(factor);
                    s0 = w3.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 12 * VECTOR_BYTES, ORDER), s0);
                    s1 = w3.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 13 * VECTOR_BYTES, ORDER), s1);
                    s2 = w3.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 14 * VECTOR_BYTES, ORDER), s2);
                    s3 = w3.fma(FloatVector.fromMemorySegment(SPECIES, x, a + 15 * VECTOR_BYTES, ORDER), s3);
                    word = word.lanewise(VectorOperators.LSHR, 16);
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
        t0.intoMemorySegment(s, sumsAt, ORDER);
        t1.intoMemorySegment(s, sumsAt + VECTOR_BYTES, ORDER);
        t2.intoMemorySegment(s, sumsAt + 2 * VECTOR_BYTES, ORDER);
        t3.intoMemorySegment(s, sumsAt + 3 * VECTOR_BYTES, ORDER);
    }

    /** Widens a row into its places of a panel. */
    static void widen(MemorySegment data, long at, MemorySegment factors, long factorsAt, int vectors,
            MemorySegment panel, long panelAt) {
        MemorySegment words = memory(data);
        MemorySegment scales = memory(factors);
        MemorySegment out = memory(panel);
        long end = panelAt + vectors * PANEL_BYTES;
        for (long to = panelAt, from = at, fAt = factorsAt; to != end; to += WORD_VECTORS
                * PANEL_BYTES, from += VECTOR_BYTES, fAt += WORD_FACTORS_BYTES) {
            long p = to & PLACES;
            FloatVector f = BLOCKS == 1 ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, fAt & PLACES))
                    : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, fAt & PLACES, ORDER)
                            .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES);
            IntVector word = IntVector.fromMemorySegment(INTS, words, from & PLACES, ORDER);
            word.and(0xF).or(POWER_A).reinterpretAsFloats().sub(ZERO_A).mul(f).intoMemorySegment(out, p, ORDER);
            word.and(0xF0).or(POWER_B).reinterpretAsFloats().sub(ZERO_B).mul(f).intoMemorySegment(out,
                    p + PANEL_BYTES, ORDER);
            word.and(0xF00).or(POWER_C).reinterpretAsFloats().sub(ZERO_C).mul(f).intoMemorySegment(out,
                    p + 2 * PANEL_BYTES, ORDER);
            word.and(0xF000).or(POWER_D).reinterpretAsFloats().sub(ZERO_D).mul(f).intoMemorySegment(out,
                    p + 3 * PANEL_BYTES, ORDER);
            word = word.lanewise(VectorOperators.LSHR, 16);
            word.and(0xF).or(POWER_A).reinterpretAsFloats().sub(ZERO_A).mul(f).intoMemorySegment(out,
                    p + 4 * PANEL_BYTES, ORDER);
            word.and(0xF0).or(POWER_B).reinterpretAsFloats().sub(ZERO_B).mul(f).intoMemorySegment(out,
                    p + 5 * PANEL_BYTES, ORDER);
            word.and(0xF00).or(POWER_C).reinterpretAsFloats().sub(ZERO_C).mul(f).intoMemorySegment(out,
                    p + 6 * PANEL_BYTES, ORDER);
            word.and(0xF000).or(POWER_D).reinterpretAsFloats().sub(ZERO_D).mul(f).intoMemorySegment(out,
                    p + 7 * PANEL_BYTES, ORDER);
            if (FENCE) {
                VarHandle.loadLoadFence();
            }
        }
    }
}
