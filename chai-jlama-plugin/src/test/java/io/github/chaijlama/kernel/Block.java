// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

/** A stretch of floats in the middle of a segment, with guards around it. */
final class Block {
    /** Floats before the stretch and behind it: no multiple of a vector. */
    static final int PAD = 3;
    static final float GUARD = 12345.75f;
    final MemorySegment segment;
    final int length;

    /** Makes a stretch of zeros. */
    Block(Arena arena, int length) {
        this(arena.allocate((length + 2L * PAD) * Float.BYTES, Float.BYTES), length);
    }

    /**
     * Makes a stretch of some kind of values.
     *
     * @param seed decides which
     */
    Block(Arena arena, int length, Values values, int seed) {
        this(arena, length);
        fill(values, seed);
    }

    private Block(MemorySegment segment, int length) {
        this.segment = segment;
        this.length = length;
        for (int i = 0; i < PAD; i++) {
            segment.set(JAVA_FLOAT_UNALIGNED, 4L * i, GUARD);
            segment.set(JAVA_FLOAT_UNALIGNED, 4L * (PAD + length + i), GUARD);
        }
    }

    /** Returns a stretch of zeros whose floats begin at an odd address. */
    static Block atOddAddress(Arena arena, int length) {
        long bytes = (length + 2L * PAD) * Float.BYTES;
        return new Block(arena.allocate(1 + bytes, Float.BYTES).asSlice(1, bytes), length);
    }

    Block fill(Values values, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < length; i++) {
            set(i, values.next(random));
        }
        return this;
    }

    float get(int i) {
        return segment.get(JAVA_FLOAT_UNALIGNED, 4L * (PAD + i));
    }

    void set(int i, float value) {
        segment.set(JAVA_FLOAT_UNALIGNED, 4L * (PAD + i), value);
    }

    /** Returns the stretch as a segment of its own, for kernels that read from the beginning. */
    MemorySegment inside() {
        return segment.asSlice(4L * PAD, 4L * length);
    }

    float[] floats() {
        float[] values = new float[length];
        for (int i = 0; i < values.length; i++) {
            values[i] = get(i);
        }
        return values;
    }

    void assertGuardsIntact() {
        for (int i = 0; i < PAD; i++) {
            assertThat(segment.get(JAVA_FLOAT_UNALIGNED, 4L * i)).isEqualTo(GUARD);
            assertThat(segment.get(JAVA_FLOAT_UNALIGNED, 4L * (PAD + length + i))).isEqualTo(GUARD);
        }
    }
}
