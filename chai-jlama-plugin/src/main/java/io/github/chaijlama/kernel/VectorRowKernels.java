// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

import io.github.chaijlama.model.Activation;

import static io.github.chaijlama.kernel.VectorFunctions.exp;
import static io.github.chaijlama.kernel.VectorFunctions.sumLanes;
import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;
import static io.github.chaijlama.kernel.VectorMemory.atFloat;
import static io.github.chaijlama.kernel.VectorMemory.broadcast;
import static io.github.chaijlama.kernel.VectorMemory.bytes;
import static io.github.chaijlama.kernel.VectorMemory.fence;
import static io.github.chaijlama.kernel.VectorMemory.get;
import static io.github.chaijlama.kernel.VectorMemory.load;
import static io.github.chaijlama.kernel.VectorMemory.set;
import static io.github.chaijlama.kernel.VectorMemory.store;
import static io.github.chaijlama.kernel.VectorMemory.zero;

/** {@link RowKernels} with the Vector API, the twin of {@link ScalarRowKernels}. */
final class VectorRowKernels extends RowKernels {
    private static final float SQRT_2_PI = (float) Math.sqrt(2 / Math.PI);
    private static final float GELU_CUBE = 0.044715f;

    @Override
    void doRmsNorm(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment weights,
            float weightOffset, float epsilon, int length) {
        long inAt = atFloat(in, inOffset);
        long outAt = atFloat(out, outOffset);
        long weightsAt = atFloat(weights, 0);
        float factor = (float) (1 / Math.sqrt(squares(in, inAt, 0, length) / length + epsilon));
        int limit = SPECIES.loopBound(length);
        for (int i = 0; i < limit; i += LANES) {
            FloatVector weight = load(weights, weightsAt + bytes(i)).add(weightOffset);
            store(load(in, inAt + bytes(i)).mul(factor).mul(weight), out, outAt + bytes(i));
        }
        for (int i = limit; i < length; i++) {
            float weight = get(weights, weightsAt + bytes(i)) + weightOffset;
            set(out, outAt + bytes(i), get(in, inAt + bytes(i)) * factor * weight);
        }
    }

    /** Returns the sum of {@code (x - mean)^2}; four sums, because each addition would wait for the one before it. */
    private static double squares(MemorySegment x, long at, float mean, int length) {
        FloatVector a = zero();
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        int step = 4 * LANES;
        int whole = length / step * step;
        for (int i = 0; i < whole; i += step) {
            long from = at + bytes(i);
            FloatVector v = load(x, from).sub(mean);
            a = v.fma(v, a);
            v = load(x, from + bytes(LANES)).sub(mean);
            b = v.fma(v, b);
            v = load(x, from + bytes(2L * LANES)).sub(mean);
            c = v.fma(v, c);
            v = load(x, from + bytes(3L * LANES)).sub(mean);
            d = v.fma(v, d);
        }
        double sum = sumLanes(a.add(b).add(c.add(d)));
        for (int i = whole; i < length; i++) {
            float v = get(x, at + bytes(i)) - mean;
            sum += v * v;
        }
        return sum;
    }

    /** Returns the sum of {@code x - mean}. */
    private static double sum(MemorySegment x, long at, float mean, int length) {
        FloatVector a = zero();
        FloatVector b = a;
        int step = 2 * LANES;
        int whole = length / step * step;
        for (int i = 0; i < whole; i += step) {
            a = load(x, at + bytes(i)).sub(mean).add(a);
            b = load(x, at + bytes(i) + bytes(LANES)).sub(mean).add(b);
        }
        double sum = sumLanes(a.add(b));
        for (int i = whole; i < length; i++) {
            sum += get(x, at + bytes(i)) - mean;
        }
        return sum;
    }

    @Override
    void doLayerNorm(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment weights,
            MemorySegment biases, float epsilon, int length) {
        long inAt = atFloat(in, inOffset);
        long outAt = atFloat(out, outOffset);
        long weightsAt = atFloat(weights, 0);
        long biasesAt = atFloat(biases, 0);
        // What the first sum lost to rounding, of rows whose mean is large, is in the sum of the deviations.
        float first = (float) (sum(in, inAt, 0, length) / length);
        float mean = (float) (first + sum(in, inAt, first, length) / length);
        float factor = (float) (1 / Math.sqrt(squares(in, inAt, mean, length) / length + epsilon));
        int limit = SPECIES.loopBound(length);
        for (int i = 0; i < limit; i += LANES) {
            FloatVector normed = load(in, inAt + bytes(i)).sub(mean).mul(factor);
            store(normed.fma(load(weights, weightsAt + bytes(i)), load(biases, biasesAt + bytes(i))), out,
                    outAt + bytes(i));
        }
        for (int i = limit; i < length; i++) {
            float normed = (get(in, inAt + bytes(i)) - mean) * factor;
            set(out, outAt + bytes(i),
                    normed * get(weights, weightsAt + bytes(i)) + get(biases, biasesAt + bytes(i)));
        }
    }

    @Override
    void doActivate(Activation function, MemorySegment x, long offset, int length) {
        long at = atFloat(x, offset);
        int limit = function == Activation.GELU ? 0 : SPECIES.loopBound(length);
        switch (function) {
            case SILU -> {
                for (int i = 0; i < limit; i += LANES) {
                    store(silu(load(x, at + bytes(i))), x, at + bytes(i));
                    fence();
                }
            }
            case GELU_TANH -> {
                for (int i = 0; i < limit; i += LANES) {
                    store(geluTanh(load(x, at + bytes(i))), x, at + bytes(i));
                    fence();
                }
            }
            case RELU -> {
                for (int i = 0; i < limit; i += LANES) {
                    store(load(x, at + bytes(i)).max(0), x, at + bytes(i));
                }
            }
            case CLAMPED_SWISH -> {
                for (int i = 0; i < limit; i += LANES) {
                    store(clampedSwish(load(x, at + bytes(i))), x, at + bytes(i));
                    fence();
                }
            }
            case GELU -> {
                // below, value by value: its integral has no vector form here
            }
        }
        for (int i = limit; i < length; i++) {
            set(x, at + bytes(i), (float) function.apply(get(x, at + bytes(i))));
        }
    }

    @Override
    void doGate(Activation function, MemorySegment gate, long gateOffset, MemorySegment up, long upOffset,
            int length) {
        long at = atFloat(gate, gateOffset);
        long upAt = atFloat(up, upOffset);
        int limit = function == Activation.GELU ? 0 : SPECIES.loopBound(length);
        switch (function) {
            case SILU -> {
                for (int i = 0; i < limit; i += LANES) {
                    store(silu(load(gate, at + bytes(i))).mul(load(up, upAt + bytes(i))), gate, at + bytes(i));
                    fence();
                }
            }
            case GELU_TANH -> {
                for (int i = 0; i < limit; i += LANES) {
                    store(geluTanh(load(gate, at + bytes(i))).mul(load(up, upAt + bytes(i))), gate, at + bytes(i));
                    fence();
                }
            }
            case RELU -> {
                for (int i = 0; i < limit; i += LANES) {
                    store(load(gate, at + bytes(i)).max(0).mul(load(up, upAt + bytes(i))), gate, at + bytes(i));
                }
            }
            case CLAMPED_SWISH -> {
                for (int i = 0; i < limit; i += LANES) {
                    FloatVector other = load(up, upAt + bytes(i)).max(-Activation.LIMIT).min(Activation.LIMIT).add(1f);
                    store(clampedSwish(load(gate, at + bytes(i))).mul(other), gate, at + bytes(i));
                    fence();
                }
            }
            case GELU -> {
                // below, value by value
            }
        }
        for (int i = limit; i < length; i++) {
            set(gate, at + bytes(i), (float) function.apply(get(gate, at + bytes(i)))
                    * (float) function.ofOther(get(up, upAt + bytes(i))));
        }
    }

    /** Returns {@code x / (1 + exp(-x))}, by the exponential of what is not above 0. */
    private static FloatVector silu(FloatVector x) {
        return x.mul(sigmoid(x));
    }

    /** Returns {@code y sigmoid(1.702 y)} of {@code y = min(x, 7)}. */
    private static FloatVector clampedSwish(FloatVector x) {
        FloatVector kept = x.min(Activation.LIMIT);
        return kept.mul(sigmoid(kept.mul(Activation.SWISH_SLOPE)));
    }

    /** Returns {@code 1 / (1 + exp(-x))}: for x below 0 {@code e / (1 + e)} with {@code e = exp(x)}. */
    private static FloatVector sigmoid(FloatVector x) {
        FloatVector e = exp(x.abs().neg());
        FloatVector one = broadcast(1f);
        return one.blend(e, x.compare(VectorOperators.LT, 0f)).div(e.add(1f));
    }

    /** Returns {@code x * sigmoid(2 y)}, which is {@code x (1 + tanh(y)) / 2}. */
    private static FloatVector geluTanh(FloatVector x) {
        FloatVector y = x.mul(x).fma(broadcast(GELU_CUBE), broadcast(1f)).mul(x).mul(2 * SQRT_2_PI);
        return x.mul(sigmoid(y));
    }

    @Override
    void doAdd(MemorySegment x, long xOffset, MemorySegment y, long yOffset, float factor, int length) {
        long at = atFloat(x, xOffset);
        long from = atFloat(y, yOffset);
        int limit = SPECIES.loopBound(length);
        for (int i = 0; i < limit; i += LANES) {
            store(load(x, at + bytes(i)).add(load(y, from + bytes(i)).mul(factor)), x, at + bytes(i));
        }
        for (int i = limit; i < length; i++) {
            set(x, at + bytes(i), get(x, at + bytes(i)) + factor * get(y, from + bytes(i)));
        }
    }

    @Override
    void doMultiply(MemorySegment x, long offset, float factor, int length) {
        long at = atFloat(x, offset);
        int limit = SPECIES.loopBound(length);
        for (int i = 0; i < limit; i += LANES) {
            store(load(x, at + bytes(i)).mul(factor), x, at + bytes(i));
        }
        for (int i = limit; i < length; i++) {
            set(x, at + bytes(i), get(x, at + bytes(i)) * factor);
        }
    }
}
