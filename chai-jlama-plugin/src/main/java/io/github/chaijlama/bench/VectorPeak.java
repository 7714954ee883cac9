// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Loops that do nothing but one thing, with the widest vectors the machine has. */
final class VectorPeak {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    /** Independent chains: two units with a latency of four or five steps need ten. */
    private static final int CHAINS = 12;

    private VectorPeak() {}

    /** Returns the operations of {@link #multiplyAdd}: a multiplication and an addition for each value. */
    static double operations(int steps) {
        return 2.0 * steps * CHAINS * SPECIES.length();
    }

    /** Multiplies and adds in registers; the result is of no use but to keep the loop. */
    static float multiplyAdd(int steps) {
        FloatVector x = FloatVector.broadcast(SPECIES, 0.999f);
        FloatVector y = FloatVector.broadcast(SPECIES, 0.001f);
        FloatVector a = start(1); // each another value, so that no chain is another's
        FloatVector b = start(2);
        FloatVector c = start(3);
        FloatVector d = start(4);
        FloatVector e = start(5);
        FloatVector f = start(6);
        FloatVector g = start(7);
        FloatVector h = start(8);
        FloatVector i = start(9);
        FloatVector j = start(10);
        FloatVector k = start(11);
        FloatVector l = start(12);
        for (int step = 0; step < steps; step++) {
            a = a.fma(x, y);
            b = b.fma(x, y);
            c = c.fma(x, y);
            d = d.fma(x, y);
            e = e.fma(x, y);
            f = f.fma(x, y);
            g = g.fma(x, y);
            h = h.fma(x, y);
            i = i.fma(x, y);
            j = j.fma(x, y);
            k = k.fma(x, y);
            l = l.fma(x, y);
        }
        return a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j).add(k).add(l)
                .reduceLanes(VectorOperators.ADD);
    }

    private static FloatVector start(int chain) {
        return FloatVector.broadcast(SPECIES, chain);
    }

    /**
     * Adds up the floats of a stretch of memory.
     *
     * @param bytes a multiple of four vectors
     */
    static float sum(MemorySegment memory, long offset, long bytes) {
        int vector = SPECIES.vectorByteSize();
        FloatVector a = FloatVector.zero(SPECIES);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        for (long at = offset; at < offset + bytes; at += 4L * vector) {
            a = a.add(FloatVector.fromMemorySegment(SPECIES, memory, at, ByteOrder.nativeOrder()));
            b = b.add(FloatVector.fromMemorySegment(SPECIES, memory, at + vector, ByteOrder.nativeOrder()));
            c = c.add(FloatVector.fromMemorySegment(SPECIES, memory, at + 2L * vector, ByteOrder.nativeOrder()));
            d = d.add(FloatVector.fromMemorySegment(SPECIES, memory, at + 3L * vector, ByteOrder.nativeOrder()));
        }
        return a.add(b).add(c).add(d).reduceLanes(VectorOperators.ADD);
    }
}
