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
import static io.github.chaijlama.product.VectorProductKernels.GROUP_BYTES;
import static io.github.chaijlama.product.VectorProductKernels.OFFSETS;
import static io.github.chaijlama.product.VectorProductKernels.PAIR_BYTES;
import static io.github.chaijlama.product.VectorProductKernels.PANEL_BYTES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * Products with weights of Jlama's Q4. A vector of 32-bit words holds eight weights a lane; lane {@code l} belongs to
 * block {@code l / 4} of those the vector spans.
 *
 * <p>A number of four bits becomes a float without a conversion: moved to the upper end of the fraction of 1 it is
 * {@code 1 + n / 16}, and a weight is {@code n - 8}, times its block's factor: {@code 16 (1 + n / 16 - 1.5)}. So the
 * eight products of a lane begin with {@link #OFFSET} times the sum of its inputs, which is the same for all rows, and
 * their sum is multiplied by the factor once. That is two instructions and a multiply-add for a vector of weights.
 *
 * <p>Everything is written out: vectors that a method of ours returns here are objects to C2, ten times slower.
 */
final class VectorQ4Products {
    /** Rows of the weight that are read side by side: a machine's prefetcher follows several streams at once. */
    static final int STREAMS = 4;
    /** Vectors that the words of one vector widen to. */
    static final int WORD_VECTORS = Integer.SIZE / 4;
    /** What a word's products begin with, for each of its inputs. */
    static final float OFFSET = -1.5f;
    /** The bits of 1. */
    private static final int ONE = 0x3F800000;
    /** The upper end of its fraction. */
    private static final int NUMBER = 0x00780000;
    private static final float FACTOR = 16;
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
     * @param inAt         vectors of the input; what its words begin with is behind them
     */
    static void one(MemorySegment data, long at, long stride, MemorySegment factors, long factorsAt, long factorStride,
            MemorySegment in, long inAt, int vectors, MemorySegment sums, long sumsAt) {
        MemorySegment w = memory(data);
        MemorySegment scales = memory(factors);
        MemorySegment x = memory(in);
        MemorySegment s = memory(sums);
        long row1 = stride & OFFSETS;
        long factor1 = factorStride & OFFSETS;
        long row2 = 2 * stride & OFFSETS;
        long factor2 = 2 * factorStride & OFFSETS;
        long row3 = 3 * stride & OFFSETS;
        long factor3 = 3 * factorStride & OFFSETS;
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = FloatVector.zero(SPECIES);
        FloatVector s2 = FloatVector.zero(SPECIES);
        FloatVector s3 = FloatVector.zero(SPECIES);
        long end = inAt + vectors * VECTOR_BYTES;
        for (long xAt = inAt, offsetAt = end, wAt = at, fAt = factorsAt; xAt != end; xAt += WORD_VECTORS
                * VECTOR_BYTES, offsetAt += VECTOR_BYTES, wAt += VECTOR_BYTES, fAt += WORD_FACTORS_BYTES) {
            long a = xAt & PLACES;
            long b = wAt & PLACES;
            long f = fAt & PLACES;
            FloatVector offset = FloatVector.fromMemorySegment(SPECIES, x, offsetAt & PLACES, ORDER);
            FloatVector x0 = FloatVector.fromMemorySegment(SPECIES, x, a, ORDER);
            FloatVector x1 = FloatVector.fromMemorySegment(SPECIES, x, a + VECTOR_BYTES, ORDER);
            FloatVector x2 = FloatVector.fromMemorySegment(SPECIES, x, a + 2 * VECTOR_BYTES, ORDER);
            FloatVector x3 = FloatVector.fromMemorySegment(SPECIES, x, a + 3 * VECTOR_BYTES, ORDER);
            FloatVector x4 = FloatVector.fromMemorySegment(SPECIES, x, a + 4 * VECTOR_BYTES, ORDER);
            FloatVector x5 = FloatVector.fromMemorySegment(SPECIES, x, a + 5 * VECTOR_BYTES, ORDER);
            FloatVector x6 = FloatVector.fromMemorySegment(SPECIES, x, a + 6 * VECTOR_BYTES, ORDER);
            FloatVector x7 = FloatVector.fromMemorySegment(SPECIES, x, a + 7 * VECTOR_BYTES, ORDER);
            IntVector w0 = IntVector.fromMemorySegment(INTS, w, b, ORDER);
            FloatVector t0 = x0.fma(w0.lanewise(VectorOperators.LSHL, 19).and(NUMBER).or(ONE).reinterpretAsFloats(),
                    offset);
            t0 = x1.fma(w0.lanewise(VectorOperators.LSHL, 15).and(NUMBER).or(ONE).reinterpretAsFloats(), t0);
            t0 = x2.fma(w0.lanewise(VectorOperators.LSHL, 11).and(NUMBER).or(ONE).reinterpretAsFloats(), t0);
            t0 = x3.fma(w0.lanewise(VectorOperators.LSHL, 7).and(NUMBER).or(ONE).reinterpretAsFloats(), t0);
            t0 = x4.fma(w0.lanewise(VectorOperators.LSHL, 3).and(NUMBER).or(ONE).reinterpretAsFloats(), t0);
            t0 = x5.fma(w0.lanewise(VectorOperators.LSHR, 1).and(NUMBER).or(ONE).reinterpretAsFloats(), t0);
            t0 = x6.fma(w0.lanewise(VectorOperators.LSHR, 5).and(NUMBER).or(ONE).reinterpretAsFloats(), t0);
            t0 = x7.fma(w0.lanewise(VectorOperators.LSHR, 9).and(NUMBER).or(ONE).reinterpretAsFloats(), t0);
            s0 = t0.fma(BLOCKS == 1 ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f))
                    : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f, ORDER)
                            .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES),
                    s0);
            IntVector w1 = IntVector.fromMemorySegment(INTS, w, b + row1, ORDER);
            FloatVector t1 = x0.fma(w1.lanewise(VectorOperators.LSHL, 19).and(NUMBER).or(ONE).reinterpretAsFloats(),
                    offset);
            t1 = x1.fma(w1.lanewise(VectorOperators.LSHL, 15).and(NUMBER).or(ONE).reinterpretAsFloats(), t1);
            t1 = x2.fma(w1.lanewise(VectorOperators.LSHL, 11).and(NUMBER).or(ONE).reinterpretAsFloats(), t1);
            t1 = x3.fma(w1.lanewise(VectorOperators.LSHL, 7).and(NUMBER).or(ONE).reinterpretAsFloats(), t1);
            t1 = x4.fma(w1.lanewise(VectorOperators.LSHL, 3).and(NUMBER).or(ONE).reinterpretAsFloats(), t1);
            t1 = x5.fma(w1.lanewise(VectorOperators.LSHR, 1).and(NUMBER).or(ONE).reinterpretAsFloats(), t1);
            t1 = x6.fma(w1.lanewise(VectorOperators.LSHR, 5).and(NUMBER).or(ONE).reinterpretAsFloats(), t1);
            t1 = x7.fma(w1.lanewise(VectorOperators.LSHR, 9).and(NUMBER).or(ONE).reinterpretAsFloats(), t1);
            s1 = t1.fma(BLOCKS == 1 ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f + factor1))
                    : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f + factor1, ORDER)
                            .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES),
                    s1);
            IntVector w2 = IntVector.fromMemorySegment(INTS, w, b + row2, ORDER);
            FloatVector t2 = x0.fma(w2.lanewise(VectorOperators.LSHL, 19).and(NUMBER).or(ONE).reinterpretAsFloats(),
                    offset);
            t2 = x1.fma(w2.lanewise(VectorOperators.LSHL, 15).and(NUMBER).or(ONE).reinterpretAsFloats(), t2);
            t2 = x2.fma(w2.lanewise(VectorOperators.LSHL, 11).and(NUMBER).or(ONE).reinterpretAsFloats(), t2);
            t2 = x3.fma(w2.lanewise(VectorOperators.LSHL, 7).and(NUMBER).or(ONE).reinterpretAsFloats(), t2);
            t2 = x4.fma(w2.lanewise(VectorOperators.LSHL, 3).and(NUMBER).or(ONE).reinterpretAsFloats(), t2);
            t2 = x5.fma(w2.lanewise(VectorOperators.LSHR, 1).and(NUMBER).or(ONE).reinterpretAsFloats(), t2);
            t2 = x6.fma(w2.lanewise(VectorOperators.LSHR, 5).and(NUMBER).or(ONE).reinterpretAsFloats(), t2);
            t2 = x7.fma(w2.lanewise(VectorOperators.LSHR, 9).and(NUMBER).or(ONE).reinterpretAsFloats(), t2);
            s2 = t2.fma(BLOCKS == 1 ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f + factor2))
                    : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f + factor2, ORDER)
                            .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES),
                    s2);
            IntVector w3 = IntVector.fromMemorySegment(INTS, w, b + row3, ORDER);
            FloatVector t3 = x0.fma(w3.lanewise(VectorOperators.LSHL, 19).and(NUMBER).or(ONE).reinterpretAsFloats(),
                    offset);
            t3 = x1.fma(w3.lanewise(VectorOperators.LSHL, 15).and(NUMBER).or(ONE).reinterpretAsFloats(), t3);
            t3 = x2.fma(w3.lanewise(VectorOperators.LSHL, 11).and(NUMBER).or(ONE).reinterpretAsFloats(), t3);
            t3 = x3.fma(w3.lanewise(VectorOperators.LSHL, 7).and(NUMBER).or(ONE).reinterpretAsFloats(), t3);
            t3 = x4.fma(w3.lanewise(VectorOperators.LSHL, 3).and(NUMBER).or(ONE).reinterpretAsFloats(), t3);
            t3 = x5.fma(w3.lanewise(VectorOperators.LSHR, 1).and(NUMBER).or(ONE).reinterpretAsFloats(), t3);
            t3 = x6.fma(w3.lanewise(VectorOperators.LSHR, 5).and(NUMBER).or(ONE).reinterpretAsFloats(), t3);
            t3 = x7.fma(w3.lanewise(VectorOperators.LSHR, 9).and(NUMBER).or(ONE).reinterpretAsFloats(), t3);
            s3 = t3.fma(BLOCKS == 1 ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f + factor3))
                    : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f + factor3, ORDER)
                            .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES),
                    s3);
            if (FENCE) {
                VarHandle.loadLoadFence();
            }
        }
        s0.mul(FACTOR).intoMemorySegment(s, sumsAt, ORDER);
        s1.mul(FACTOR).intoMemorySegment(s, sumsAt + VECTOR_BYTES, ORDER);
        s2.mul(FACTOR).intoMemorySegment(s, sumsAt + 2 * VECTOR_BYTES, ORDER);
        s3.mul(FACTOR).intoMemorySegment(s, sumsAt + 3 * VECTOR_BYTES, ORDER);
    }

    /**
     * Multiplies a pair of inputs with two rows; sums are {@code (row, input, lane)}. Half a word at a time, see
     * {@link #group}.
     *
     * @param inAt vectors of the inputs; what their words begin with is behind them
     */
    static void pair(MemorySegment data, long at, long stride, MemorySegment factors, long factorsAt,
            long factorStride, MemorySegment in, long inAt, int vectors, MemorySegment sums, long sumsAt) {
        MemorySegment words = memory(data);
        MemorySegment scales = memory(factors);
        MemorySegment x = memory(in);
        MemorySegment s = memory(sums);
        long row1 = stride & OFFSETS;
        long factor1 = factorStride & OFFSETS;
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = FloatVector.zero(SPECIES);
        FloatVector s2 = FloatVector.zero(SPECIES);
        FloatVector s3 = FloatVector.zero(SPECIES);
        long end = inAt + vectors * PAIR_BYTES;
        for (long xAt = inAt, offsetAt = end, wAt = at,
                fAt = factorsAt; xAt != end; offsetAt += PAIR_BYTES, wAt += VECTOR_BYTES, fAt += WORD_FACTORS_BYTES) {
            long b = wAt & PLACES;
            long f = fAt & PLACES;
            long o = offsetAt & PLACES;
            IntVector w0 = IntVector.fromMemorySegment(INTS, words, b, ORDER);
            IntVector w1 = IntVector.fromMemorySegment(INTS, words, b + row1, ORDER);
            FloatVector t0 = FloatVector.fromMemorySegment(SPECIES, x, o, ORDER);
            FloatVector t1 = FloatVector.fromMemorySegment(SPECIES, x, o + VECTOR_BYTES, ORDER);
            FloatVector t2 = t0;
            FloatVector t3 = t1;
            for (int half = 0; half < 2; half++, xAt += WORD_VECTORS / 2 * PAIR_BYTES) {
                long a = xAt & PLACES;
                FloatVector v0 = w0.lanewise(VectorOperators.LSHL, 19).and(NUMBER).or(ONE).reinterpretAsFloats();
                FloatVector v1 = w1.lanewise(VectorOperators.LSHL, 19).and(NUMBER).or(ONE).reinterpretAsFloats();
                FloatVector y = FloatVector.fromMemorySegment(SPECIES, x, a, ORDER);
                t0 = v0.fma(y, t0);
                t2 = v1.fma(y, t2);
                y = FloatVector.fromMemorySegment(SPECIES, x, a + VECTOR_BYTES, ORDER);
                t1 = v0.fma(y, t1);
                t3 = v1.fma(y, t3);
                v0 = w0.lanewise(VectorOperators.LSHL, 15).and(NUMBER).or(ONE).reinterpretAsFloats();
                v1 = w1.lanewise(VectorOperators.LSHL, 15).and(NUMBER).or(ONE).reinterpretAsFloats();
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 2 * VECTOR_BYTES, ORDER);
                t0 = v0.fma(y, t0);
                t2 = v1.fma(y, t2);
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 3 * VECTOR_BYTES, ORDER);
                t1 = v0.fma(y, t1);
                t3 = v1.fma(y, t3);
                v0 = w0.lanewise(VectorOperators.LSHL, 11).and(NUMBER).or(ONE).reinterpretAsFloats();
                v1 = w1.lanewise(VectorOperators.LSHL, 11).and(NUMBER).or(ONE).reinterpretAsFloats();
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 4 * VECTOR_BYTES, ORDER);
                t0 = v0.fma(y, t0);
                t2 = v1.fma(y, t2);
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 5 * VECTOR_BYTES, ORDER);
                t1 = v0.fma(y, t1);
                t3 = v1.fma(y, t3);
                v0 = w0.lanewise(VectorOperators.LSHL, 7).and(NUMBER).or(ONE).reinterpretAsFloats();
                v1 = w1.lanewise(VectorOperators.LSHL, 7).and(NUMBER).or(ONE).reinterpretAsFloats();
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 6 * VECTOR_BYTES, ORDER);
                t0 = v0.fma(y, t0);
                t2 = v1.fma(y, t2);
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 7 * VECTOR_BYTES, ORDER);
                t1 = v0.fma(y, t1);
                t3 = v1.fma(y, t3);
                w0 = w0.lanewise(VectorOperators.LSHR, 16);
                w1 = w1.lanewise(VectorOperators.LSHR, 16);
            }
            FloatVector f0 = BLOCKS == 1 ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f))
                    : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f, ORDER)
                            .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES);
            s0 = t0.fma(f0, s0);
            s1 = t1.fma(f0, s1);
            FloatVector f1 = BLOCKS == 1 ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f + factor1))
                    : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f + factor1, ORDER)
                            .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES);
            s2 = t2.fma(f1, s2);
            s3 = t3.fma(f1, s3);
            if (FENCE) {
                VarHandle.loadLoadFence();
            }
        }
        s0.mul(FACTOR).intoMemorySegment(s, sumsAt, ORDER);
        s1.mul(FACTOR).intoMemorySegment(s, sumsAt + VECTOR_BYTES, ORDER);
        s2.mul(FACTOR).intoMemorySegment(s, sumsAt + 2 * VECTOR_BYTES, ORDER);
        s3.mul(FACTOR).intoMemorySegment(s, sumsAt + 3 * VECTOR_BYTES, ORDER);
    }

    /**
     * Multiplies a group of inputs with two rows; sums are {@code (row, input, lane)}. Two numbers of each word at a
     * time: with all of them C1 runs out of registers, gives up, and C2 never gets its turn.
     *
     * @param inAt vectors of the inputs; what their words begin with is behind them
     */
    static void group(MemorySegment data, long at, long stride, MemorySegment factors, long factorsAt,
            long factorStride,
            MemorySegment in, long inAt, int vectors, MemorySegment sums, long sumsAt) {
        MemorySegment words = memory(data);
        MemorySegment scales = memory(factors);
        MemorySegment x = memory(in);
        MemorySegment s = memory(sums);
        long row1 = stride & OFFSETS;
        long factor1 = factorStride & OFFSETS;
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = FloatVector.zero(SPECIES);
        FloatVector s2 = FloatVector.zero(SPECIES);
        FloatVector s3 = FloatVector.zero(SPECIES);
        FloatVector s4 = FloatVector.zero(SPECIES);
        FloatVector s5 = FloatVector.zero(SPECIES);
        FloatVector s6 = FloatVector.zero(SPECIES);
        FloatVector s7 = FloatVector.zero(SPECIES);
        long end = inAt + vectors * GROUP_BYTES;
        for (long xAt = inAt, offsetAt = end, wAt = at,
                fAt = factorsAt; xAt != end; offsetAt += GROUP_BYTES, wAt += VECTOR_BYTES, fAt += WORD_FACTORS_BYTES) {
            long b = wAt & PLACES;
            long f = fAt & PLACES;
            long o = offsetAt & PLACES;
            IntVector w0 = IntVector.fromMemorySegment(INTS, words, b, ORDER);
            IntVector w1 = IntVector.fromMemorySegment(INTS, words, b + row1, ORDER);
            FloatVector t0 = FloatVector.fromMemorySegment(SPECIES, x, o, ORDER);
            FloatVector t1 = FloatVector.fromMemorySegment(SPECIES, x, o + VECTOR_BYTES, ORDER);
            FloatVector t2 = FloatVector.fromMemorySegment(SPECIES, x, o + 2 * VECTOR_BYTES, ORDER);
            FloatVector t3 = FloatVector.fromMemorySegment(SPECIES, x, o + 3 * VECTOR_BYTES, ORDER);
            FloatVector t4 = t0;
            FloatVector t5 = t1;
            FloatVector t6 = t2;
            FloatVector t7 = t3;
            for (int quarter = 0; quarter < 4; quarter++, xAt += WORD_VECTORS / 4 * GROUP_BYTES) {
                long a = xAt & PLACES;
                FloatVector v0 = w0.lanewise(VectorOperators.LSHL, 19).and(NUMBER).or(ONE).reinterpretAsFloats();
                FloatVector v1 = w1.lanewise(VectorOperators.LSHL, 19).and(NUMBER).or(ONE).reinterpretAsFloats();
                FloatVector y = FloatVector.fromMemorySegment(SPECIES, x, a, ORDER);
                t0 = v0.fma(y, t0);
                t4 = v1.fma(y, t4);
                y = FloatVector.fromMemorySegment(SPECIES, x, a + VECTOR_BYTES, ORDER);
                t1 = v0.fma(y, t1);
                t5 = v1.fma(y, t5);
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 2 * VECTOR_BYTES, ORDER);
                t2 = v0.fma(y, t2);
                t6 = v1.fma(y, t6);
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 3 * VECTOR_BYTES, ORDER);
                t3 = v0.fma(y, t3);
                t7 = v1.fma(y, t7);
                v0 = w0.lanewise(VectorOperators.LSHL, 15).and(NUMBER).or(ONE).reinterpretAsFloats();
                v1 = w1.lanewise(VectorOperators.LSHL, 15).and(NUMBER).or(ONE).reinterpretAsFloats();
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 4 * VECTOR_BYTES, ORDER);
                t0 = v0.fma(y, t0);
                t4 = v1.fma(y, t4);
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 5 * VECTOR_BYTES, ORDER);
                t1 = v0.fma(y, t1);
                t5 = v1.fma(y, t5);
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 6 * VECTOR_BYTES, ORDER);
                t2 = v0.fma(y, t2);
                t6 = v1.fma(y, t6);
                y = FloatVector.fromMemorySegment(SPECIES, x, a + 7 * VECTOR_BYTES, ORDER);
                t3 = v0.fma(y, t3);
                t7 = v1.fma(y, t7);
                w0 = w0.lanewise(VectorOperators.LSHR, 8);
                w1 = w1.lanewise(VectorOperators.LSHR, 8);
            }
            FloatVector f0 = BLOCKS == 1 ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f))
                    : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f, ORDER)
                            .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES);
            s0 = t0.fma(f0, s0);
            s1 = t1.fma(f0, s1);
            s2 = t2.fma(f0, s2);
            s3 = t3.fma(f0, s3);
            FloatVector f1 = BLOCKS == 1 ? FloatVector.broadcast(SPECIES, scales.get(JAVA_FLOAT_UNALIGNED, f + factor1))
                    : ((FloatVector) FloatVector.fromMemorySegment(FACTORS, scales, f + factor1, ORDER)
                            .reinterpretShape(SPECIES, 0)).rearrange(TO_LANES);
            s4 = t4.fma(f1, s4);
            s5 = t5.fma(f1, s5);
            s6 = t6.fma(f1, s6);
            s7 = t7.fma(f1, s7);
            if (FENCE) {
                VarHandle.loadLoadFence();
            }
        }
        s0.mul(FACTOR).intoMemorySegment(s, sumsAt, ORDER);
        s1.mul(FACTOR).intoMemorySegment(s, sumsAt + VECTOR_BYTES, ORDER);
        s2.mul(FACTOR).intoMemorySegment(s, sumsAt + 2 * VECTOR_BYTES, ORDER);
        s3.mul(FACTOR).intoMemorySegment(s, sumsAt + 3 * VECTOR_BYTES, ORDER);
        s4.mul(FACTOR).intoMemorySegment(s, sumsAt + 4 * VECTOR_BYTES, ORDER);
        s5.mul(FACTOR).intoMemorySegment(s, sumsAt + 5 * VECTOR_BYTES, ORDER);
        s6.mul(FACTOR).intoMemorySegment(s, sumsAt + 6 * VECTOR_BYTES, ORDER);
        s7.mul(FACTOR).intoMemorySegment(s, sumsAt + 7 * VECTOR_BYTES, ORDER);
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
