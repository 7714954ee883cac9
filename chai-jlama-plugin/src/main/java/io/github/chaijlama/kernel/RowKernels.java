// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.Objects;

import io.github.chaijlama.model.Activation;

/**
 * What happens to a row of floats between two matrix products: norms, activations, sums, in 32-bit floats. Offsets are
 * counted in floats.
 *
 * <p>As in {@link AttentionKernels}, every public method checks that the ranges it was given lie inside native segments
 * that are alive, and throws {@link IndexOutOfBoundsException}, {@link IllegalArgumentException} or
 * {@link IllegalStateException} before a single value is touched. Implementations come in pairs:
 * {@link ScalarRowKernels} is the formula as a loop and the specification, {@code VectorRowKernels} computes the same
 * with the Vector API. Sums have one order, whatever the machine has compiled. Instances hold no state and may be used
 * by any number of threads.
 */
public abstract class RowKernels {

    RowKernels() {}

    /**
     * Divides a row by the root of its mean square and multiplies it with weights (arXiv:1910.07467):
     * {@code out[i] = in[i] / sqrt(sum_j in[j]^2 / length + epsilon) * (weights[i] + weightOffset)}.
     *
     * @param out     output, {@code (length)}; may be the same place as {@code in}
     * @param weights {@code (length)} from the beginning
     */
    public final void rmsNorm(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment weights,
            float weightOffset, float epsilon, int length) {
        check(out, outOffset, length);
        check(in, inOffset, length);
        check(weights, 0, length);
        doRmsNorm(out, outOffset, in, inOffset, weights, weightOffset, epsilon, length);
        keepAlive(out, in, weights);
    }

    /**
     * Takes the mean off a row, divides it by its standard deviation, multiplies it with weights and adds biases
     * (arXiv:1607.06450).
     *
     * @param out     output, {@code (length)}; may be the same place as {@code in}
     * @param weights {@code (length)} from the beginning
     * @param biases  {@code (length)} from the beginning
     */
    public final void layerNorm(MemorySegment out, long outOffset, MemorySegment in, long inOffset,
            MemorySegment weights, MemorySegment biases, float epsilon, int length) {
        check(out, outOffset, length);
        check(in, inOffset, length);
        check(weights, 0, length);
        check(biases, 0, length);
        doLayerNorm(out, outOffset, in, inOffset, weights, biases, epsilon, length);
        keepAlive(out, in, weights);
        Reference.reachabilityFence(biases);
    }

    /** Applies an activation function in place: {@code x[i] = f(x[i])}. */
    public final void activate(Activation function, MemorySegment x, long offset, int length) {
        check(x, offset, length);
        doActivate(function, x, offset, length);
        Reference.reachabilityFence(x);
    }

    /**
     * Applies an activation function to a gate and multiplies, in place: {@code gate[i] = f(gate[i]) * up[i]}, or with
     * what the function makes of the other branch, {@link Activation#ofOther}.
     *
     * @param gate in and out, {@code (length)}
     * @param up   {@code (length)}
     */
    public final void gate(Activation function, MemorySegment gate, long gateOffset, MemorySegment up, long upOffset,
            int length) {
        check(gate, gateOffset, length);
        check(up, upOffset, length);
        doGate(function, gate, gateOffset, up, upOffset, length);
        Reference.reachabilityFence(gate);
        Reference.reachabilityFence(up);
    }

    /** Adds: {@code x[i] += factor * y[i]}. */
    public final void add(MemorySegment x, long xOffset, MemorySegment y, long yOffset, float factor, int length) {
        check(x, xOffset, length);
        check(y, yOffset, length);
        doAdd(x, xOffset, y, yOffset, factor, length);
        Reference.reachabilityFence(x);
        Reference.reachabilityFence(y);
    }

    /** Multiplies in place: {@code x[i] *= factor}. */
    public final void multiply(MemorySegment x, long offset, float factor, int length) {
        check(x, offset, length);
        doMultiply(x, offset, factor, length);
        Reference.reachabilityFence(x);
    }

    abstract void doRmsNorm(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment weights,
            float weightOffset, float epsilon, int length);

    abstract void doLayerNorm(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment weights,
            MemorySegment biases, float epsilon, int length);

    abstract void doActivate(Activation function, MemorySegment x, long offset, int length);

    abstract void doGate(Activation function, MemorySegment gate, long gateOffset, MemorySegment up, long upOffset,
            int length);

    abstract void doAdd(MemorySegment x, long xOffset, MemorySegment y, long yOffset, float factor, int length);

    abstract void doMultiply(MemorySegment x, long offset, float factor, int length);

    private static void check(MemorySegment segment, long offset, long length) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("expected native memory, found a segment on the heap");
        }
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("Already closed");
        }
        Objects.checkFromIndexSize(offset, length, segment.byteSize() / Float.BYTES);
    }

    private static void keepAlive(MemorySegment first, MemorySegment second, MemorySegment third) {
        Reference.reachabilityFence(first);
        Reference.reachabilityFence(second);
        Reference.reachabilityFence(third);
    }
}
