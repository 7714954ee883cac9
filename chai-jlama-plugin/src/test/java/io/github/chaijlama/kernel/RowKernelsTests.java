// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.model.Activation;

import static io.github.chaijlama.kernel.Block.PAD;
import static io.github.chaijlama.kernel.TestedKernels.UNIT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * What happens to rows between products: both implementations against the formulas in double, the plain loops to the
 * last roundings, at awkward sizes and offsets. Run once for each vector width, as {@link AttentionKernelsTests} is.
 */
class RowKernelsTests {
    private static final int[] LENGTHS = { 1, 3, 7, 15, 16, 17, 31, 33, 64, 100, 257, 4097 };
    private static final RowKernels SCALAR = new ScalarRowKernels();
    /** A value that is not a normal float is right to this. */
    private static final double SMALLEST = 2e-45;
    private static final float EPSILON = 1e-5f;

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    static List<RowKernels> kernels() {
        return TestedKernels.ofRows();
    }

    /** Kernels, lengths, kinds of values, and whether floats lie at odd addresses, as in files they may. */
    static Stream<Arguments> cases() {
        List<Arguments> cases = new ArrayList<>();
        for (RowKernels kernels : kernels()) {
            for (int length : LENGTHS) {
                for (Values values : Values.values()) {
                    cases.add(Arguments.of(kernels, length, values, false));
                }
                cases.add(Arguments.of(kernels, length, Values.ORDINARY, true));
            }
        }
        return cases.stream();
    }

    private Block block(int length, Values values, int seed, boolean odd) {
        Block block = odd ? Block.atOddAddress(arena, length) : new Block(arena, length);
        return block.fill(values, seed);
    }

    /**
     * The largest error of a value that a sum is a factor of: a few roundings of the plain loops, which sum in double;
     * those of vectors grow with the length, each value is added to one of at least sixteen sums.
     */
    private static double ofSum(RowKernels kernels, int length) {
        return (kernels instanceof ScalarRowKernels ? 5 : 8 + length / 16) * UNIT;
    }

    private static double mean(int length, IntToDoubleFunction value) {
        double sum = 0;
        for (int i = 0; i < length; i++) {
            sum += value.applyAsDouble(i);
        }
        return sum / length;
    }

    private static void assertClose(float actual, double expected, double tolerance) {
        assertThat((double) actual).isCloseTo(expected, within(tolerance + SMALLEST));
    }

    // ---- norms ----

    @ParameterizedTest
    @MethodSource("cases")
    void rmsNorm(RowKernels kernels, int length, Values values, boolean odd) {
        for (float weightOffset : new float[]{ 0, 1 }) {
            Block in = block(length, values, 1, odd);
            Block weights = block(length, Values.ORDINARY, 2, odd);
            Block out = block(length, Values.HUGE, 3, odd);
            float[] before = in.floats();
            double square = mean(length, i -> (double) in.get(i) * in.get(i));

            kernels.rmsNorm(out.segment, PAD, in.segment, PAD, weights.inside(), weightOffset, EPSILON, length);

            for (int i = 0; i < length; i++) {
                double weight = (double) weights.get(i) + weightOffset;
                double expected = in.get(i) / Math.sqrt(square + EPSILON) * weight;
                assertClose(out.get(i), expected, ofSum(kernels, length) * Math.abs(expected));
            }
            out.assertGuardsIntact();
            assertThat(in.floats()).containsExactly(before);
            kernels.rmsNorm(in.segment, PAD, in.segment, PAD, weights.inside(), weightOffset, EPSILON, length);
            assertThat(in.floats()).as("in place").containsExactly(out.floats());
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void layerNorm(RowKernels kernels, int length, Values values, boolean odd) {
        Block in = block(length, values, 4, odd);
        Block weights = block(length, Values.ORDINARY, 5, odd);
        Block biases = block(length, Values.ORDINARY, 6, odd);
        Block out = block(length, Values.HUGE, 7, odd);
        float[] before = in.floats();
        double[] expected = layerNorm(in, weights, biases);
        double largest = 0;
        for (float value : before) {
            largest = Math.max(largest, Math.abs(value));
        }
        double factor = 1 / Math.sqrt(squaredDeviation(in) + EPSILON);

        kernels.layerNorm(out.segment, PAD, in.segment, PAD, weights.inside(), biases.inside(), EPSILON, length);

        for (int i = 0; i < length; i++) {
            double normed = Math.abs(expected[i] - biases.get(i));
            double ofMean = kernels instanceof ScalarRowKernels ? 0
                    : 3 * UNIT * largest * factor * Math.abs(weights.get(i));
            assertClose(out.get(i), expected[i],
                    ofSum(kernels, length) * normed + UNIT * Math.abs(expected[i]) + ofMean);
        }
        out.assertGuardsIntact();
        assertThat(in.floats()).containsExactly(before);
        kernels.layerNorm(in.segment, PAD, in.segment, PAD, weights.inside(), biases.inside(), EPSILON, length);
        assertThat(in.floats()).as("in place").containsExactly(out.floats());
    }

    private static double[] layerNorm(Block in, Block weights, Block biases) {
        double mean = mean(in.length, in::get);
        double deviation = Math.sqrt(squaredDeviation(in) + EPSILON);
        double[] normed = new double[in.length];
        for (int i = 0; i < in.length; i++) {
            normed[i] = (in.get(i) - mean) / deviation * weights.get(i) + biases.get(i);
        }
        return normed;
    }

    private static double squaredDeviation(Block in) {
        double mean = mean(in.length, in::get);
        return mean(in.length, i -> (in.get(i) - mean) * (in.get(i) - mean));
    }

    /** Rows of a model may lie far from 0; a mean that lost something on the way would move all of their values. */
    @ParameterizedTest
    @MethodSource("kernels")
    void layerNormOfARowFarFromZero(RowKernels kernels) {
        float center = 1000.37f;
        for (int length : LENGTHS) {
            Block in = new Block(arena, length, Values.ORDINARY, 8);
            for (int i = 0; i < length; i++) {
                in.set(i, center + in.get(i));
            }
            Block weights = new Block(arena, length, Values.ORDINARY, 9);
            Block biases = new Block(arena, length);
            Block out = new Block(arena, length);

            kernels.layerNorm(out.segment, PAD, in.segment, PAD, weights.inside(), biases.inside(), EPSILON, length);

            double[] expected = layerNorm(in, weights, biases);
            double deviation = Math.sqrt(squaredDeviation(in) + EPSILON);
            for (int i = 0; i < length; i++) {
                // What a mean that is a float misses of the true one, and no more.
                double ofMean = UNIT * center / deviation * Math.abs(weights.get(i));
                assertClose(out.get(i), expected[i], ofMean + ofSum(kernels, length) * Math.abs(expected[i]));
            }
        }
    }

    /** The sums have one order: not that of a loop at first and another once it is compiled. */
    @ParameterizedTest
    @MethodSource("kernels")
    void normsAreTheSameHoweverOftenTheyRan(RowKernels kernels) {
        int length = 257;
        Block in = new Block(arena, length, Values.ORDINARY, 10);
        Block weights = new Block(arena, length, Values.ORDINARY, 11);
        Block out = new Block(arena, length);
        float[] rms = null;
        float[] layer = null;
        for (int run = 0; run < 20_000; run++) {
            kernels.rmsNorm(out.segment, PAD, in.segment, PAD, weights.inside(), 0, EPSILON, length);
            float[] result = out.floats();
            assertThat(rms == null || Arrays.equals(result, rms)).as("run %d", run).isTrue();
            rms = result;
            kernels.layerNorm(out.segment, PAD, in.segment, PAD, weights.inside(), weights.inside(), EPSILON, length);
            result = out.floats();
            assertThat(layer == null || Arrays.equals(result, layer)).as("run %d", run).isTrue();
            layer = result;
        }
    }

    // ---- activations ----

    private static double silu(double x) {
        return x / (1 + Math.exp(-x));
    }

    /** The half angle of the tangent: 1 + tanh(y) is 2 / (1 + exp(-2y)), without what that sum loses below 0. */
    private static double geluTanh(double x) {
        return x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    }

    private static double apply(Activation function, double x) {
        return switch (function) {
            case SILU -> silu(x);
            case GELU_TANH -> geluTanh(x);
            case GELU -> gelu(x);
            case RELU -> x > 0 ? x : 0;
            case CLAMPED_SWISH -> 1 / 1.702f * silu(1.702f * Math.min(x, 7));
        };
    }

    /** By the integral of the density from 0 to x, Simpson's rule: no series. */
    private static double gelu(double x) {
        if (Math.abs(x) > 9) {
            return x > 0 ? x : 0;
        }
        int steps = 2000;
        double width = x / steps;
        double sum = 0;
        for (int i = 0; i <= steps; i++) {
            double t = i * width;
            sum += Math.exp(-t * t / 2) * (i == 0 || i == steps ? 1 : 2 + 2 * (i % 2));
        }
        return x * (0.5 + sum * width / 3 / Math.sqrt(2 * Math.PI));
    }

    private static double ofOther(Activation function, double up) {
        return function == Activation.CLAMPED_SWISH ? 1 + Math.max(-7, Math.min(7, up)) : up;
    }

    /**
     * What an activation may differ by: a few roundings, of which those of an exponent grow with it; below e^-87 the
     * vectors have 0, and the plain 1 + tanh(y) is right to the last bit of 1 only.
     */
    private static double tolerance(Activation function, double x) {
        double exponent = switch (function) {
            case SILU, GELU, RELU -> 0;
            case CLAMPED_SWISH -> 1.702 * Math.abs(Math.min(x, 7));
            case GELU_TANH -> 2 * Math.sqrt(2 / Math.PI) * (Math.abs(x) + 0.044715 * Math.abs(x * x * x));
        };
        double result = Math.abs(apply(function, x));
        double ofExponent = x < 0 && result > 0 ? 4 * UNIT * exponent * result : 0;
        double ofTangent = function == Activation.GELU_TANH ? 0x1p-53 * Math.abs(x) : 0;
        ofTangent += function == Activation.GELU ? 1e-12 * Math.min(10, Math.abs(x)) : 0;
        return 6 * UNIT * result + ofExponent + ofTangent + 2e-36;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void activateAndGate(RowKernels kernels, int length, Values values, boolean odd) {
        for (Activation function : Activation.values()) {
            Block x = block(length, values, 12, odd);
            Block gate = block(length, values, 12, odd);
            Block up = block(length, Values.ORDINARY, 13, odd);
            float[] before = x.floats();
            float[] ups = up.floats();

            kernels.activate(function, x.segment, PAD, length);
            kernels.gate(function, gate.segment, PAD, up.segment, PAD, length);

            for (int i = 0; i < length; i++) {
                double expected = apply(function, before[i]);
                double tolerance = tolerance(function, before[i]);
                assertClose(x.get(i), expected, tolerance);
                double other = ofOther(function, ups[i]);
                assertClose(gate.get(i), expected * other,
                        tolerance * Math.abs(other)
                                + UNIT * Math.abs(expected) * (Math.abs(other) + (other == ups[i] ? 0 : 2)));
            }
            x.assertGuardsIntact();
            gate.assertGuardsIntact();
            assertThat(up.floats()).containsExactly(ups);
        }
    }

    /** Every half from -100 to 100, where exponentials overflow and vanish, and what lies far outside. */
    @ParameterizedTest
    @MethodSource("kernels")
    void activationsWhereExponentialsEnd(RowKernels kernels) {
        float[] far = { -3e38f, -1e20f, -1e4f, -104, -88, -87.5f, -87, 87, 88, 89, 104, 1e4f, 1e20f, 3e38f };
        int length = 401 + far.length;
        for (Activation function : Activation.values()) {
            Block x = new Block(arena, length);
            for (int i = 0; i < length; i++) {
                x.set(i, i < 401 ? i / 2f - 100 : far[i - 401]);
            }
            float[] before = x.floats();

            kernels.activate(function, x.segment, PAD, length);

            for (int i = 0; i < length; i++) {
                assertClose(x.get(i), apply(function, before[i]), tolerance(function, before[i]));
            }
        }
    }

    // ---- sums and factors ----

    @ParameterizedTest
    @MethodSource("cases")
    void add(RowKernels kernels, int length, Values values, boolean odd) {
        for (float factor : new float[]{ 1, 0.22f, -3, 0 }) {
            Block x = block(length, values, 14, odd);
            Block plain = block(length, values, 14, odd);
            Block y = block(length, values, 15, odd);
            float[] before = x.floats();
            float[] added = y.floats();

            kernels.add(x.segment, PAD, y.segment, PAD, factor, length);

            for (int i = 0; i < length; i++) {
                double product = (double) factor * added[i];
                double expected = before[i] + product;
                assertClose(x.get(i), expected, UNIT * (Math.abs(product) + Math.abs(expected)));
            }
            x.assertGuardsIntact();
            assertThat(y.floats()).containsExactly(added);
            SCALAR.add(plain.segment, PAD, y.segment, PAD, factor, length);
            assertThat(x.floats()).as("rounded as the plain loops do").containsExactly(plain.floats());
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void multiply(RowKernels kernels, int length, Values values, boolean odd) {
        for (float factor : new float[]{ 1, 11.3125f, -0.3f, 0, 1e30f }) {
            Block x = block(length, values, 16, odd);
            float[] before = x.floats();

            kernels.multiply(x.segment, PAD, factor, length);

            for (int i = 0; i < length; i++) {
                // Two floats' product is exact in double, so that this rounds once, as a product of floats does.
                assertThat(x.get(i)).isEqualTo((float) ((double) before[i] * factor));
            }
            x.assertGuardsIntact();
        }
    }

    /** A broken model is found by what its logits are; no operation may turn NaN into a number. */
    @ParameterizedTest
    @MethodSource("kernels")
    void whatIsNoNumberStaysNone(RowKernels kernels) {
        for (int length : LENGTHS) {
            for (int at : new int[]{ 0, length / 2, length - 1 }) {
                Block ones = new Block(arena, length);
                for (int i = 0; i < length; i++) {
                    ones.set(i, 1);
                }
                Block x = broken(length, at);
                kernels.rmsNorm(x.segment, PAD, x.segment, PAD, ones.inside(), 0, EPSILON, length);
                assertThat(x.floats()).as("one sum for all").containsOnly(Float.NaN);
                Block y = broken(length, at);
                kernels.layerNorm(y.segment, PAD, y.segment, PAD, ones.inside(), ones.inside(), EPSILON, length);
                assertThat(y.floats()).as("one sum for all").containsOnly(Float.NaN);
                for (Activation function : Activation.values()) {
                    Block z = broken(length, at);
                    kernels.activate(function, z.segment, PAD, length);
                    assertThat(z.get(at)).isNaN();
                    Block gate = broken(length, at);
                    kernels.gate(function, gate.segment, PAD, ones.segment, PAD, length);
                    assertThat(gate.get(at)).isNaN();
                    Block up = broken(length, at);
                    Block open = new Block(arena, length, Values.ORDINARY, 17);
                    kernels.gate(function, open.segment, PAD, up.segment, PAD, length);
                    assertThat(open.get(at)).isNaN();
                }
                Block sum = new Block(arena, length);
                kernels.add(sum.segment, PAD, broken(length, at).segment, PAD, 1, length);
                assertThat(sum.get(at)).isNaN();
                kernels.multiply(sum.segment, PAD, 2, length);
                assertThat(sum.get(at)).isNaN();
            }
        }
    }

    private Block broken(int length, int at) {
        Block block = new Block(arena, length, Values.ORDINARY, 18);
        block.set(at, Float.NaN);
        return block;
    }
}
