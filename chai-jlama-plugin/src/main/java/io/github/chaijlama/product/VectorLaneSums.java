// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

import io.github.chaijlama.kernel.VectorMemory;

import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.ORDER;
import static io.github.chaijlama.kernel.VectorMemory.PLACES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;
import static io.github.chaijlama.kernel.VectorMemory.VECTOR_BYTES;

/**
 * Ends sums that are vectors, as many at once as a vector has lanes. The upper half of a vector's lanes is added to the
 * lower one, and so on; of two vectors that are halved the second gets the upper half's place, so that each step
 * leaves half as many, and the last vector is the results in their order.
 */
final class VectorLaneSums {
    private static final int HALF = LANES / 2;
    private static final int QUARTER = LANES / 4;
    private static final VectorShuffle<Float> SWAP_HALF = swap(HALF);
    private static final VectorShuffle<Float> SWAP_QUARTER = swap(QUARTER);
    private static final VectorShuffle<Float> SWAP_2 = swap(2);
    private static final VectorShuffle<Float> SWAP_1 = swap(1);
    private static final VectorMask<Float> UPPER_HALF = upper(HALF);
    private static final VectorMask<Float> UPPER_QUARTER = upper(QUARTER);
    private static final VectorMask<Float> UPPER_2 = upper(2);
    private static final VectorMask<Float> UPPER_1 = upper(1);

    private VectorLaneSums() {}

    /**
     * Ends sums in their place: vector {@code i} becomes float {@code i}. Vectors up to the next multiple of the lanes
     * are read, and written.
     *
     * @param at place of the first vector
     */
    static void end(MemorySegment sums, long at, int count) {
        MemorySegment memory = VectorMemory.memory(sums);
        for (int done = 0; done < count; done += LANES) {
            long from = at + done * VECTOR_BYTES;
            long to = at + (long) done * Float.BYTES;
            quarter(memory, from, LANES == 4 ? to : from);
            if (LANES == 16) {
                lastFour(memory, from, to);
            } else if (LANES == 8) {
                lastTwo(memory, from, to);
            }
        }
    }

    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(SPECIES, lane -> (lane ^ distance) % LANES);
    }

    private static VectorMask<Float> upper(int distance) {
        boolean[] lanes = new boolean[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            lanes[lane] = (lane & distance) != 0;
        }
        return VectorMask.fromArray(SPECIES, lanes, 0);
    }

    /** Halves a vector's worth of vectors twice. */
    private static void quarter(MemorySegment memory, long from, long to) {
        for (long i = 0; i != QUARTER * VECTOR_BYTES; i += VECTOR_BYTES) {
            long at = from + i & PLACES;
            FloatVector a = FloatVector.fromMemorySegment(SPECIES, memory, at, ORDER);
            FloatVector b = FloatVector.fromMemorySegment(SPECIES, memory, at + QUARTER * VECTOR_BYTES, ORDER);
            FloatVector c = FloatVector.fromMemorySegment(SPECIES, memory, at + HALF * VECTOR_BYTES, ORDER);
            FloatVector d = FloatVector.fromMemorySegment(SPECIES, memory, at + (HALF + QUARTER) * VECTOR_BYTES,
                    ORDER);
            FloatVector ac = a.blend(c, UPPER_HALF).add(c.blend(a, UPPER_HALF).rearrange(SWAP_HALF));
            FloatVector bd = b.blend(d, UPPER_HALF).add(d.blend(b, UPPER_HALF).rearrange(SWAP_HALF));
            ac.blend(bd, UPPER_QUARTER).add(bd.blend(ac, UPPER_QUARTER).rearrange(SWAP_QUARTER))
                    .intoMemorySegment(memory, to + i & PLACES, ORDER);
        }
    }

    private static void lastFour(MemorySegment memory, long from, long to) {
        long at = from & PLACES;
        FloatVector a = FloatVector.fromMemorySegment(SPECIES, memory, at, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(SPECIES, memory, at + VECTOR_BYTES, ORDER);
        FloatVector c = FloatVector.fromMemorySegment(SPECIES, memory, at + 2 * VECTOR_BYTES, ORDER);
        FloatVector d = FloatVector.fromMemorySegment(SPECIES, memory, at + 3 * VECTOR_BYTES, ORDER);
        FloatVector ac = a.blend(c, UPPER_2).add(c.blend(a, UPPER_2).rearrange(SWAP_2));
        FloatVector bd = b.blend(d, UPPER_2).add(d.blend(b, UPPER_2).rearrange(SWAP_2));
        ac.blend(bd, UPPER_1).add(bd.blend(ac, UPPER_1).rearrange(SWAP_1)).intoMemorySegment(memory, to & PLACES,
                ORDER);
    }

    private static void lastTwo(MemorySegment memory, long from, long to) {
        long at = from & PLACES;
        FloatVector a = FloatVector.fromMemorySegment(SPECIES, memory, at, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(SPECIES, memory, at + VECTOR_BYTES, ORDER);
        a.blend(b, UPPER_1).add(b.blend(a, UPPER_1).rearrange(SWAP_1)).intoMemorySegment(memory, to & PLACES, ORDER);
    }
}
