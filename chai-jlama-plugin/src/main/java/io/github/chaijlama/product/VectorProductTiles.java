// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

import jdk.incubator.vector.FloatVector;

import io.github.chaijlama.kernel.VectorMemory;

import static io.github.chaijlama.kernel.VectorMemory.FENCE;
import static io.github.chaijlama.kernel.VectorMemory.ORDER;
import static io.github.chaijlama.kernel.VectorMemory.PLACES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;
import static io.github.chaijlama.kernel.VectorMemory.VECTOR_BYTES;
import static io.github.chaijlama.product.ProductKernels.GROUP;
import static io.github.chaijlama.product.VectorProductKernels.GROUP_BYTES;
import static io.github.chaijlama.product.VectorProductKernels.PANEL_BYTES;

/**
 * Products of a group of inputs and of a panel, both packed: every load is one vector at the next place. Sums stay in
 * registers, 24 of 32 where a machine has so many, and 12 of 16 elsewhere, in two passes. They begin at 0 in every
 * call: with loads of earlier sums C1 runs out of registers, gives up, and C2 never gets its turn.
 */
final class VectorProductTiles {
    /** Whether this machine has 32 vector registers: x86 has 16 where vectors end at 256 bits. */
    private static final boolean MANY_REGISTERS = SPECIES.vectorBitSize() == 512
            || !System.getProperty("os.arch").matches("amd64|x86_64");

    private VectorProductTiles() {}

    static void multiply(MemorySegment in, long inAt, MemorySegment panel, long panelAt, int vectors,
            MemorySegment sums, long sumsAt) {
        long end = inAt + vectors * GROUP_BYTES;
        if (MANY_REGISTERS) {
            four(in, inAt, panel, panelAt, sums, sumsAt, end);
        } else {
            two(in, inAt, panel, panelAt, sums, sumsAt, end);
            two(in, inAt + 2 * VECTOR_BYTES, panel, panelAt, sums, sumsAt + 2 * PANEL_BYTES,
                    end + 2 * VECTOR_BYTES);
        }
    }

    /** Four inputs and six rows. */
    private static void four(MemorySegment in, long inAt, MemorySegment panel, long panelAt, MemorySegment sums,
            long sumsAt, long end) {
        MemorySegment sumMemory = VectorMemory.memory(sums);
        MemorySegment x = VectorMemory.memory(in);
        MemorySegment w = VectorMemory.memory(panel);
        FloatVector zero = FloatVector.zero(SPECIES);
        FloatVector s00 = zero;
        FloatVector s01 = zero;
        FloatVector s02 = zero;
        FloatVector s03 = zero;
        FloatVector s04 = zero;
        FloatVector s05 = zero;
        FloatVector s10 = zero;
        FloatVector s11 = zero;
        FloatVector s12 = zero;
        FloatVector s13 = zero;
        FloatVector s14 = zero;
        FloatVector s15 = zero;
        FloatVector s20 = zero;
        FloatVector s21 = zero;
        FloatVector s22 = zero;
        FloatVector s23 = zero;
        FloatVector s24 = zero;
        FloatVector s25 = zero;
        FloatVector s30 = zero;
        FloatVector s31 = zero;
        FloatVector s32 = zero;
        FloatVector s33 = zero;
        FloatVector s34 = zero;
        FloatVector s35 = zero;
        for (long xAt = inAt,
                wAt = panelAt; xAt != end; xAt += GROUP_BYTES, wAt += PANEL_BYTES) {
            long a = xAt & PLACES;
            long b = wAt & PLACES;
            FloatVector x0 = FloatVector.fromMemorySegment(SPECIES, x, a, ORDER);
            FloatVector x1 = FloatVector.fromMemorySegment(SPECIES, x, a + VECTOR_BYTES, ORDER);
            FloatVector x2 = FloatVector.fromMemorySegment(SPECIES, x, a + 2 * VECTOR_BYTES, ORDER);
            FloatVector x3 = FloatVector.fromMemorySegment(SPECIES, x, a + 3 * VECTOR_BYTES, ORDER);
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, b, ORDER);
            s00 = x0.fma(w0, s00);
            s10 = x1.fma(w0, s10);
            s20 = x2.fma(w0, s20);
            s30 = x3.fma(w0, s30);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, b + VECTOR_BYTES, ORDER);
            s01 = x0.fma(w1, s01);
            s11 = x1.fma(w1, s11);
            s21 = x2.fma(w1, s21);
            s31 = x3.fma(w1, s31);
            FloatVector w2 = FloatVector.fromMemorySegment(SPECIES, w, b + 2 * VECTOR_BYTES, ORDER);
            s02 = x0.fma(w2, s02);
            s12 = x1.fma(w2, s12);
            s22 = x2.fma(w2, s22);
            s32 = x3.fma(w2, s32);
            FloatVector w3 = FloatVector.fromMemorySegment(SPECIES, w, b + 3 * VECTOR_BYTES, ORDER);
            s03 = x0.fma(w3, s03);
            s13 = x1.fma(w3, s13);
            s23 = x2.fma(w3, s23);
            s33 = x3.fma(w3, s33);
            FloatVector w4 = FloatVector.fromMemorySegment(SPECIES, w, b + 4 * VECTOR_BYTES, ORDER);
            s04 = x0.fma(w4, s04);
            s14 = x1.fma(w4, s14);
            s24 = x2.fma(w4, s24);
            s34 = x3.fma(w4, s34);
            FloatVector w5 = FloatVector.fromMemorySegment(SPECIES, w, b + 5 * VECTOR_BYTES, ORDER);
            s05 = x0.fma(w5, s05);
            s15 = x1.fma(w5, s15);
            s25 = x2.fma(w5, s25);
            s35 = x3.fma(w5, s35);
            if (FENCE) {
                VarHandle.loadLoadFence();
            }
        }
        long s = sumsAt & PLACES;
        s00.intoMemorySegment(sumMemory, s, ORDER);
        s01.intoMemorySegment(sumMemory, s + VECTOR_BYTES, ORDER);
        s02.intoMemorySegment(sumMemory, s + 2 * VECTOR_BYTES, ORDER);
        s03.intoMemorySegment(sumMemory, s + 3 * VECTOR_BYTES, ORDER);
        s04.intoMemorySegment(sumMemory, s + 4 * VECTOR_BYTES, ORDER);
        s05.intoMemorySegment(sumMemory, s + 5 * VECTOR_BYTES, ORDER);
        s10.intoMemorySegment(sumMemory, s + 6 * VECTOR_BYTES, ORDER);
        s11.intoMemorySegment(sumMemory, s + 7 * VECTOR_BYTES, ORDER);
        s12.intoMemorySegment(sumMemory, s + 8 * VECTOR_BYTES, ORDER);
        s13.intoMemorySegment(sumMemory, s + 9 * VECTOR_BYTES, ORDER);
        s14.intoMemorySegment(sumMemory, s + 10 * VECTOR_BYTES, ORDER);
        s15.intoMemorySegment(sumMemory, s + 11 * VECTOR_BYTES, ORDER);
        s20.intoMemorySegment(sumMemory, s + 12 * VECTOR_BYTES, ORDER);
        s21.intoMemorySegment(sumMemory, s + 13 * VECTOR_BYTES, ORDER);
        s22.intoMemorySegment(sumMemory, s + 14 * VECTOR_BYTES, ORDER);
        s23.intoMemorySegment(sumMemory, s + 15 * VECTOR_BYTES, ORDER);
        s24.intoMemorySegment(sumMemory, s + 16 * VECTOR_BYTES, ORDER);
        s25.intoMemorySegment(sumMemory, s + 17 * VECTOR_BYTES, ORDER);
        s30.intoMemorySegment(sumMemory, s + 18 * VECTOR_BYTES, ORDER);
        s31.intoMemorySegment(sumMemory, s + 19 * VECTOR_BYTES, ORDER);
        s32.intoMemorySegment(sumMemory, s + 20 * VECTOR_BYTES, ORDER);
        s33.intoMemorySegment(sumMemory, s + 21 * VECTOR_BYTES, ORDER);
        s34.intoMemorySegment(sumMemory, s + 22 * VECTOR_BYTES, ORDER);
        s35.intoMemorySegment(sumMemory, s + 23 * VECTOR_BYTES, ORDER);
    }

    /** Two inputs of a group and six rows. */
    private static void two(MemorySegment in, long inAt, MemorySegment panel, long panelAt, MemorySegment sums,
            long sumsAt, long end) {
        MemorySegment sumMemory = VectorMemory.memory(sums);
        MemorySegment x = VectorMemory.memory(in);
        MemorySegment w = VectorMemory.memory(panel);
        FloatVector zero = FloatVector.zero(SPECIES);
        FloatVector s00 = zero;
        FloatVector s01 = zero;
        FloatVector s02 = zero;
        FloatVector s03 = zero;
        FloatVector s04 = zero;
        FloatVector s05 = zero;
        FloatVector s10 = zero;
        FloatVector s11 = zero;
        FloatVector s12 = zero;
        FloatVector s13 = zero;
        FloatVector s14 = zero;
        FloatVector s15 = zero;
        for (long xAt = inAt,
                wAt = panelAt; xAt != end; xAt += GROUP_BYTES, wAt += PANEL_BYTES) {
            long a = xAt & PLACES;
            long b = wAt & PLACES;
            FloatVector x0 = FloatVector.fromMemorySegment(SPECIES, x, a, ORDER);
            FloatVector x1 = FloatVector.fromMemorySegment(SPECIES, x, a + VECTOR_BYTES, ORDER);
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, b, ORDER);
            s00 = x0.fma(w0, s00);
            s10 = x1.fma(w0, s10);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, b + VECTOR_BYTES, ORDER);
            s01 = x0.fma(w1, s01);
            s11 = x1.fma(w1, s11);
            FloatVector w2 = FloatVector.fromMemorySegment(SPECIES, w, b + 2 * VECTOR_BYTES, ORDER);
            s02 = x0.fma(w2, s02);
            s12 = x1.fma(w2, s12);
            FloatVector w3 = FloatVector.fromMemorySegment(SPECIES, w, b + 3 * VECTOR_BYTES, ORDER);
            s03 = x0.fma(w3, s03);
            s13 = x1.fma(w3, s13);
            FloatVector w4 = FloatVector.fromMemorySegment(SPECIES, w, b + 4 * VECTOR_BYTES, ORDER);
            s04 = x0.fma(w4, s04);
            s14 = x1.fma(w4, s14);
            FloatVector w5 = FloatVector.fromMemorySegment(SPECIES, w, b + 5 * VECTOR_BYTES, ORDER);
            s05 = x0.fma(w5, s05);
            s15 = x1.fma(w5, s15);
            if (FENCE) {
                VarHandle.loadLoadFence();
            }
        }
        long s = sumsAt & PLACES;
        s00.intoMemorySegment(sumMemory, s, ORDER);
        s01.intoMemorySegment(sumMemory, s + VECTOR_BYTES, ORDER);
        s02.intoMemorySegment(sumMemory, s + 2 * VECTOR_BYTES, ORDER);
        s03.intoMemorySegment(sumMemory, s + 3 * VECTOR_BYTES, ORDER);
        s04.intoMemorySegment(sumMemory, s + 4 * VECTOR_BYTES, ORDER);
        s05.intoMemorySegment(sumMemory, s + 5 * VECTOR_BYTES, ORDER);
        s10.intoMemorySegment(sumMemory, s + 6 * VECTOR_BYTES, ORDER);
        s11.intoMemorySegment(sumMemory, s + 7 * VECTOR_BYTES, ORDER);
        s12.intoMemorySegment(sumMemory, s + 8 * VECTOR_BYTES, ORDER);
        s13.intoMemorySegment(sumMemory, s + 9 * VECTOR_BYTES, ORDER);
        s14.intoMemorySegment(sumMemory, s + 10 * VECTOR_BYTES, ORDER);
        s15.intoMemorySegment(sumMemory, s + 11 * VECTOR_BYTES, ORDER);
    }

    /** Adds sums of a group of inputs and a panel to others. */
    static void add(MemorySegment sums, long sumsAt, MemorySegment all, long allAt) {
        MemorySegment from = VectorMemory.memory(sums);
        MemorySegment to = VectorMemory.memory(all);
        for (long i = 0; i != GROUP * PANEL_BYTES; i += PANEL_BYTES) {
            long s = sumsAt + i & PLACES;
            long t = allAt + i & PLACES;
            FloatVector s0 = FloatVector.fromMemorySegment(SPECIES, to, t + 0 * VECTOR_BYTES, ORDER)
                    .add(FloatVector.fromMemorySegment(SPECIES, from, s + 0 * VECTOR_BYTES, ORDER));
            FloatVector s1 = FloatVector.fromMemorySegment(SPECIES, to, t + 1 * VECTOR_BYTES, ORDER)
                    .add(FloatVector.fromMemorySegment(SPECIES, from, s + 1 * VECTOR_BYTES, ORDER));
            FloatVector s2 = FloatVector.fromMemorySegment(SPECIES, to, t + 2 * VECTOR_BYTES, ORDER)
                    .add(FloatVector.fromMemorySegment(SPECIES, from, s + 2 * VECTOR_BYTES, ORDER));
            FloatVector s3 = FloatVector.fromMemorySegment(SPECIES, to, t + 3 * VECTOR_BYTES, ORDER)
                    .add(FloatVector.fromMemorySegment(SPECIES, from, s + 3 * VECTOR_BYTES, ORDER));
            FloatVector s4 = FloatVector.fromMemorySegment(SPECIES, to, t + 4 * VECTOR_BYTES, ORDER)
                    .add(FloatVector.fromMemorySegment(SPECIES, from, s + 4 * VECTOR_BYTES, ORDER));
            FloatVector s5 = FloatVector.fromMemorySegment(SPECIES, to, t + 5 * VECTOR_BYTES, ORDER)
                    .add(FloatVector.fromMemorySegment(SPECIES, from, s + 5 * VECTOR_BYTES, ORDER));
            s0.intoMemorySegment(to, t + 0 * VECTOR_BYTES, ORDER);
            s1.intoMemorySegment(to, t + 1 * VECTOR_BYTES, ORDER);
            s2.intoMemorySegment(to, t + 2 * VECTOR_BYTES, ORDER);
            s3.intoMemorySegment(to, t + 3 * VECTOR_BYTES, ORDER);
            s4.intoMemorySegment(to, t + 4 * VECTOR_BYTES, ORDER);
            s5.intoMemorySegment(to, t + 5 * VECTOR_BYTES, ORDER);
        }
    }
}
