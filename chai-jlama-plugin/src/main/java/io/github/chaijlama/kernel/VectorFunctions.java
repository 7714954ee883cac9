// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;

/** Functions of vectors that the vector kernels share. */
final class VectorFunctions {

    private VectorFunctions() {}

    // exp(x) for x <= 0 to about one unit in the last place: x = n ln 2 + r with |r| <= ln 2 / 2, a polynomial in r
    // (the coefficients of Cephes' expf, S. Moshier, public domain), and 2^n put together from its exponent bits.
    // JDK 22-25 has a vector exp only where its SVML library exists; this one is the same everywhere.
    private static final float LOG2_E = 1.44269504088896341f;
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    /** 1.5 * 2^23: adding it rounds to an integer, half to even, and leaves that integer in the low bits. */
    static final float ROUND = 12582912f;
    /** Below this the result is not a normal float; it becomes zero, as it does for negative infinity. */
    private static final float SMALLEST = -87f;

    static FloatVector exp(FloatVector x) {
        FloatVector rounded = x.fma(FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, ROUND));
        FloatVector n = rounded.sub(ROUND);
        FloatVector r = n.fma(FloatVector.broadcast(SPECIES, -LN2_HIGH), x);
        r = n.fma(FloatVector.broadcast(SPECIES, -LN2_LOW), r);
        FloatVector p = r.fma(FloatVector.broadcast(SPECIES, 1.9875691500e-4f),
                FloatVector.broadcast(SPECIES, 1.3981999507e-3f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 8.3334519073e-3f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 4.1665795894e-2f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 1.6666665459e-1f));
        p = p.fma(r, FloatVector.broadcast(SPECIES, 5.0000001201e-1f));
        p = p.fma(r.mul(r), r).add(1f);
        FloatVector power = rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23)
                .add(Float.floatToRawIntBits(1f)).reinterpretAsFloats();
        return p.mul(power).blend(0f, x.compare(VectorOperators.LT, SMALLEST));
    }

    /** Returns {@code cap * tanh(x / cap)}. */
    static FloatVector softCapped(FloatVector x, float cap) {
        FloatVector ratio = x.div(cap);
        FloatVector e = exp(ratio.abs().mul(-2f));
        FloatVector tanh = e.neg().add(1f).div(e.add(1f));
        return tanh.blend(tanh.neg(), ratio.compare(VectorOperators.LT, 0f)).mul(cap);
    }

    // Sums across lanes, in a fixed order. The JVM's own reduceLanes(ADD) leaves the order open and changes it when it
    // compiles a method again, so that the same prompt could give another text later in the life of a process.
    private static final VectorShuffle<Float> SWAP_HALVES = swap(LANES / 2);
    private static final VectorShuffle<Float> SWAP_QUARTERS = swap(LANES / 4);
    private static final VectorShuffle<Float> SWAP_EIGHTHS = swap(LANES / 8);
    private static final VectorShuffle<Float> SWAP_SIXTEENTHS = swap(LANES / 16);
    private static final VectorMask<Float> UPPER_HALF = lanesWithBit(LANES / 2);
    private static final VectorMask<Float> UPPER_QUARTERS = lanesWithBit(LANES / 4);
    /** Takes a lane of each quarter: of the first, the third, the second and the fourth. */
    private static final VectorShuffle<Float> ONE_OF_EACH_QUARTER = VectorShuffle.fromOp(SPECIES,
            lane -> (lane & 1) * (LANES / 2) + (lane >> 1 & 1) * (LANES / 4));

    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(SPECIES, lane -> lane ^ distance);
    }

    private static VectorMask<Float> lanesWithBit(int bit) {
        long lanes = 0;
        for (int lane = 0; lane < LANES; lane++) {
            lanes |= (lane & bit) != 0 ? 1L << lane : 0;
        }
        return VectorMask.fromLong(SPECIES, lanes);
    }

    static float sumLanes(FloatVector v) {
        FloatVector sum = v.add(v.rearrange(SWAP_HALVES));
        sum = sum.add(sum.rearrange(SWAP_QUARTERS));
        return sumSmallGroups(sum).lane(0);
    }

    /** Returns the lane sums of a, b, c and d in the first four lanes. */
    static FloatVector sumLanes(FloatVector a, FloatVector b, FloatVector c, FloatVector d) {
        FloatVector ab = a.blend(b, UPPER_HALF).add(b.blend(a, UPPER_HALF).rearrange(SWAP_HALVES));
        FloatVector cd = c.blend(d, UPPER_HALF).add(d.blend(c, UPPER_HALF).rearrange(SWAP_HALVES));
        FloatVector acbd = ab.blend(cd, UPPER_QUARTERS)
                .add(cd.blend(ab, UPPER_QUARTERS).rearrange(SWAP_QUARTERS));
        return sumSmallGroups(acbd).rearrange(ONE_OF_EACH_QUARTER);
    }

    /** Adds up what is left within each quarter of the lanes. */
    private static FloatVector sumSmallGroups(FloatVector v) {
        FloatVector sum = v;
        if (LANES >= 8) {
            sum = sum.add(sum.rearrange(SWAP_EIGHTHS));
        }
        if (LANES >= 16) {
            sum = sum.add(sum.rearrange(SWAP_SIXTEENTHS));
        }
        return sum;
    }
}
