// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;

import io.github.chaijlama.model.Activation;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/** The formulas of {@link RowKernels} as plain loops, sums in double: the specification. Never optimised. */
final class ScalarRowKernels extends RowKernels {

    @Override
    void doRmsNorm(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment weights,
            float weightOffset, float epsilon, int length) {
        double squares = 0;
        for (int i = 0; i < length; i++) {
            squares += (double) get(in, inOffset + i) * get(in, inOffset + i);
        }
        float factor = (float) (1 / Math.sqrt(squares / length + epsilon));
        for (int i = 0; i < length; i++) {
            set(out, outOffset + i, get(in, inOffset + i) * factor * (get(weights, i) + weightOffset));
        }
    }

    @Override
    void doLayerNorm(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment weights,
            MemorySegment biases, float epsilon, int length) {
        double mean = 0;
        for (int i = 0; i < length; i++) {
            mean += get(in, inOffset + i);
        }
        mean /= length;
        double squares = 0;
        for (int i = 0; i < length; i++) {
            double deviation = get(in, inOffset + i) - mean;
            squares += deviation * deviation;
        }
        double factor = 1 / Math.sqrt(squares / length + epsilon);
        for (int i = 0; i < length; i++) {
            double normed = (get(in, inOffset + i) - mean) * factor;
            set(out, outOffset + i, (float) (normed * get(weights, i) + get(biases, i)));
        }
    }

    @Override
    void doActivate(Activation function, MemorySegment x, long offset, int length) {
        for (int i = 0; i < length; i++) {
            set(x, offset + i, (float) function.apply(get(x, offset + i)));
        }
    }

    @Override
    void doGate(Activation function, MemorySegment gate, long gateOffset, MemorySegment up, long upOffset,
            int length) {
        for (int i = 0; i < length; i++) {
            set(gate, gateOffset + i,
                    (float) function.apply(get(gate, gateOffset + i))
                            * (float) function.ofOther(get(up, upOffset + i)));
        }
    }

    @Override
    void doAdd(MemorySegment x, long xOffset, MemorySegment y, long yOffset, float factor, int length) {
        for (int i = 0; i < length; i++) {
            set(x, xOffset + i, get(x, xOffset + i) + factor * get(y, yOffset + i));
        }
    }

    @Override
    void doMultiply(MemorySegment x, long offset, float factor, int length) {
        for (int i = 0; i < length; i++) {
            set(x, offset + i, get(x, offset + i) * factor);
        }
    }

    private static float get(MemorySegment segment, long index) {
        return segment.get(JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
    }

    private static void set(MemorySegment segment, long index, float value) {
        segment.set(JAVA_FLOAT_UNALIGNED, index * Float.BYTES, value);
    }
}
