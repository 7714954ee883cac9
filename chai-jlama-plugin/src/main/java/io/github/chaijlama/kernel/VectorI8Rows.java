// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

import static io.github.chaijlama.kernel.VectorFunctions.ROUND;
import static io.github.chaijlama.kernel.VectorFunctions.sumLanes;
import static io.github.chaijlama.kernel.VectorMemory.LANES;
import static io.github.chaijlama.kernel.VectorMemory.ORDER;
import static io.github.chaijlama.kernel.VectorMemory.PLACES;
import static io.github.chaijlama.kernel.VectorMemory.SPECIES;
import static io.github.chaijlama.kernel.VectorMemory.VECTOR_BYTES;
import static io.github.chaijlama.kernel.VectorMemory.broadcast;
import static io.github.chaijlama.kernel.VectorMemory.bytes;
import static io.github.chaijlama.kernel.VectorMemory.fence;
import static io.github.chaijlama.kernel.VectorMemory.get;
import static io.github.chaijlama.kernel.VectorMemory.getByte;
import static io.github.chaijlama.kernel.VectorMemory.load;
import static io.github.chaijlama.kernel.VectorMemory.loadBytes;
import static io.github.chaijlama.kernel.VectorMemory.memory;
import static io.github.chaijlama.kernel.VectorMemory.set;
import static io.github.chaijlama.kernel.VectorMemory.setByte;
import static io.github.chaijlama.kernel.VectorMemory.store;
import static io.github.chaijlama.kernel.VectorMemory.zero;

/**
 * Rows of signed bytes behind their scale. As many bytes as make a vector of floats, or two where that is less than the
 * smallest vector of bytes, are loaded and widened at once; what is left over is done one by one.
 */
final class VectorI8Rows {
    private static final VectorSpecies<Byte> BYTES = VectorSpecies.of(byte.class,
            VectorShape.forBitSize(Math.max(64, LANES * Byte.SIZE)));
    private static final int STEP = BYTES.length();
    private static final boolean TWO_PARTS = STEP > LANES;
    private static final int SCALE_BYTES = Float.BYTES;

    private VectorI8Rows() {}

    private static int whole(int headSize) {
        return headSize / STEP * STEP;
    }

    private static FloatVector first(ByteVector signedBytes) {
        return (FloatVector) signedBytes.convertShape(VectorOperators.B2F, SPECIES, 0);
    }

    /** The other half, where vectors of floats are that small. */
    private static FloatVector second(ByteVector signedBytes) {
        return (FloatVector) signedBytes.convertShape(VectorOperators.B2F, SPECIES, 1);
    }

    static void storeRow(MemorySegment rows, long rowAt, MemorySegment in, long inAt, int headSize) {
        float max = largestMagnitude(in, inAt, headSize);
        set(rows, rowAt, ScalarKernels.scaleOf(max));
        float factor = ScalarKernels.factorOf(max);
        long bytesAt = rowAt + SCALE_BYTES;
        int limit = whole(headSize);
        for (int i = 0; i < limit; i += LANES) {
            rounded(load(in, inAt + bytes(i)), factor, rows, bytesAt + i);
        }
        for (int i = limit; i < headSize; i++) {
            setByte(rows, bytesAt + i, (byte) Math.rint(get(in, inAt + bytes(i)) * factor));
        }
    }

    private static float largestMagnitude(MemorySegment in, long inAt, int headSize) {
        FloatVector magnitudes = zero();
        int limit = SPECIES.loopBound(headSize);
        for (int i = 0; i < limit; i += LANES) {
            magnitudes = magnitudes.max(load(in, inAt + bytes(i)).abs());
        }
        float max = magnitudes.reduceLanes(VectorOperators.MAX);
        for (int i = limit; i < headSize; i++) {
            max = Math.max(max, Math.abs(get(in, inAt + bytes(i))));
        }
        return max;
    }

    /** Stores a vector as bytes: after the addition the low byte of each lane is the integer it was rounded to. */
    private static void rounded(FloatVector x, float factor, MemorySegment rows, long at) {
        ByteVector packed = (ByteVector) x.mul(factor).add(ROUND).reinterpretAsInts()
                .convertShape(VectorOperators.I2B, BYTES, 0);
        if (TWO_PARTS) {
            for (int lane = 0; lane < LANES; lane++) {
                setByte(rows, at + lane, packed.lane(lane));
            }
        } else {
            store(packed, rows, at);
        }
    }

    static void loadRow(MemorySegment out, long outAt, MemorySegment rows, long rowAt, int headSize) {
        float scale = get(rows, rowAt);
        long bytesAt = rowAt + SCALE_BYTES;
        int limit = whole(headSize);
        for (int i = 0; i < limit; i += STEP) {
            ByteVector v = loadBytes(BYTES, rows, bytesAt + i);
            store(first(v).mul(scale), out, outAt + bytes(i));
            if (TWO_PARTS) {
                store(second(v).mul(scale), out, outAt + bytes(i) + VECTOR_BYTES);
            }
            fence();
        }
        for (int i = limit; i < headSize; i++) {
            set(out, outAt + bytes(i), scale * getByte(rows, bytesAt + i));
        }
    }

    static void scores(MemorySegment scores, long scoresAt, MemorySegment query, long queryAt, MemorySegment keys,
            long keysAt, int numberOfKeys, int headSize, float scale) {
        long row = SCALE_BYTES + (long) headSize;
        int blocks = numberOfKeys & ~3;
        scoresOfBlocks(scores, scoresAt, query, queryAt, keys, keysAt, blocks, headSize);
        int whole = whole(headSize);
        for (int key = 0; key < blocks; key++) {
            long keyAt = keysAt + key * row;
            float sum = get(scores, scoresAt + bytes(key));
            if (whole < headSize) {
                sum += dotOfRest(query, queryAt, keys, keyAt + SCALE_BYTES, headSize);
            }
            set(scores, scoresAt + bytes(key), scale * get(keys, keyAt) * sum);
        }
        for (int key = blocks; key < numberOfKeys; key++) {
            long keyAt = keysAt + key * row;
            set(scores, scoresAt + bytes(key),
                    scale * get(keys, keyAt) * dot(query, queryAt, keys, keyAt + SCALE_BYTES, headSize));
        }
    }

    /** What fills vectors of four keys side by side, without their scales. */
    private static void scoresOfBlocks(MemorySegment scores, long scoresAt, MemorySegment query, long queryAt,
            MemorySegment keys, long keysAt, int numberOfKeys, int headSize) {
        MemorySegment s = memory(scores);
        MemorySegment q = memory(query);
        MemorySegment k = memory(keys);
        long row = SCALE_BYTES + (long) headSize;
        for (int i = 0; i < numberOfKeys; i += 4) {
            FloatVector a = zero();
            FloatVector b = a;
            FloatVector c = a;
            FloatVector d = a;
            long at = queryAt;
            long first = keysAt + i * row + SCALE_BYTES;
            long end = first + whole(headSize);
            for (long key = first; key != end; key += STEP) {
                FloatVector part = FloatVector.fromMemorySegment(SPECIES, q, at & PLACES, ORDER);
                ByteVector ka = ByteVector.fromMemorySegment(BYTES, k, key & PLACES, ORDER);
                ByteVector kb = ByteVector.fromMemorySegment(BYTES, k, key + row & PLACES, ORDER);
                ByteVector kc = ByteVector.fromMemorySegment(BYTES, k, key + 2 * row & PLACES, ORDER);
                ByteVector kd = ByteVector.fromMemorySegment(BYTES, k, key + 3 * row & PLACES, ORDER);
                a = part.fma(first(ka), a);
                b = part.fma(first(kb), b);
                c = part.fma(first(kc), c);
                d = part.fma(first(kd), d);
                if (TWO_PARTS) {
                    part = FloatVector.fromMemorySegment(SPECIES, q, (at & PLACES) + VECTOR_BYTES, ORDER);
                    a = part.fma(second(ka), a);
                    b = part.fma(second(kb), b);
                    c = part.fma(second(kc), c);
                    d = part.fma(second(kd), d);
                }
                at += (long) STEP * Float.BYTES;
            }
            sumLanes(a, b, c, d).reinterpretShape(FloatVector.SPECIES_128, 0).reinterpretAsFloats()
                    .intoMemorySegment(s, scoresAt + bytes(i) & PLACES, ORDER);
        }
    }

    private static float dot(MemorySegment query, long queryAt, MemorySegment keys, long bytesAt, int headSize) {
        FloatVector sum = zero();
        int limit = whole(headSize);
        for (int i = 0; i < limit; i += STEP) {
            ByteVector k = loadBytes(BYTES, keys, bytesAt + i);
            sum = load(query, queryAt + bytes(i)).fma(first(k), sum);
            if (TWO_PARTS) {
                sum = load(query, queryAt + bytes(i) + VECTOR_BYTES).fma(second(k), sum);
            }
        }
        return sumLanes(sum) + dotOfRest(query, queryAt, keys, bytesAt, headSize);
    }

    /** Products of what fills no vector. */
    private static float dotOfRest(MemorySegment query, long queryAt, MemorySegment keys, long bytesAt, int headSize) {
        float sum = 0;
        for (int i = whole(headSize); i < headSize; i++) {
            sum += get(query, queryAt + bytes(i)) * getByte(keys, bytesAt + i);
        }
        return sum;
    }

    static void weightedSum(MemorySegment out, long outAt, MemorySegment weights, long weightsAt, MemorySegment values,
            long valuesAt, int numberOfValues, int headSize) {
        long row = SCALE_BYTES + (long) headSize;
        int blocks = numberOfValues & ~3;
        for (int value = 0; value < blocks; value += 4) {
            weightedSum4(out, outAt, weights, weightsAt + bytes(value), values, valuesAt + value * row, headSize);
        }
        for (int value = blocks; value < numberOfValues; value++) {
            long valueAt = valuesAt + value * row;
            weightedSum1(out, outAt, get(weights, weightsAt + bytes(value)) * get(values, valueAt), values,
                    valueAt + SCALE_BYTES, headSize);
        }
    }

    private static void weightedSum4(MemorySegment out, long outAt, MemorySegment weights, long weightsAt,
            MemorySegment values, long valuesAt, int headSize) {
        long row = SCALE_BYTES + (long) headSize;
        float weightA = get(weights, weightsAt) * get(values, valuesAt);
        float weightB = get(weights, weightsAt + 4) * get(values, valuesAt + row);
        float weightC = get(weights, weightsAt + 8) * get(values, valuesAt + 2 * row);
        float weightD = get(weights, weightsAt + 12) * get(values, valuesAt + 3 * row);
        FloatVector a = broadcast(weightA);
        FloatVector b = broadcast(weightB);
        FloatVector c = broadcast(weightC);
        FloatVector d = broadcast(weightD);
        MemorySegment o = memory(out);
        MemorySegment v = memory(values);
        int limit = whole(headSize);
        long sum = outAt;
        long bytesAt = valuesAt + SCALE_BYTES;
        long end = bytesAt + limit;
        for (long value = bytesAt; value != end; value += STEP) {
            ByteVector va = ByteVector.fromMemorySegment(BYTES, v, value & PLACES, ORDER);
            ByteVector vb = ByteVector.fromMemorySegment(BYTES, v, value + row & PLACES, ORDER);
            ByteVector vc = ByteVector.fromMemorySegment(BYTES, v, value + 2 * row & PLACES, ORDER);
            ByteVector vd = ByteVector.fromMemorySegment(BYTES, v, value + 3 * row & PLACES, ORDER);
            FloatVector x = FloatVector.fromMemorySegment(SPECIES, o, sum & PLACES, ORDER);
            x = a.fma(first(va), b.fma(first(vb), x));
            c.fma(first(vc), d.fma(first(vd), x)).intoMemorySegment(o, sum & PLACES, ORDER);
            if (TWO_PARTS) {
                x = FloatVector.fromMemorySegment(SPECIES, o, (sum & PLACES) + VECTOR_BYTES, ORDER);
                x = a.fma(second(va), b.fma(second(vb), x));
                c.fma(second(vc), d.fma(second(vd), x)).intoMemorySegment(o, (sum & PLACES) + VECTOR_BYTES, ORDER);
            }
            sum += (long) STEP * Float.BYTES;
        }
        for (int i = limit; i < headSize; i++) {
            long at = outAt + bytes(i);
            float rest = get(out, at) + weightA * getByte(values, bytesAt + i);
            rest += weightB * getByte(values, bytesAt + i + row);
            rest += weightC * getByte(values, bytesAt + i + 2 * row);
            rest += weightD * getByte(values, bytesAt + i + 3 * row);
            set(out, at, rest);
        }
    }

    private static void weightedSum1(MemorySegment out, long outAt, float weight, MemorySegment values, long bytesAt,
            int headSize) {
        FloatVector a = broadcast(weight);
        int limit = whole(headSize);
        for (int i = 0; i < limit; i += STEP) {
            ByteVector v = loadBytes(BYTES, values, bytesAt + i);
            long at = outAt + bytes(i);
            store(a.fma(first(v), load(out, at)), out, at);
            if (TWO_PARTS) {
                store(a.fma(second(v), load(out, at + VECTOR_BYTES)), out, at + VECTOR_BYTES);
            }
        }
        for (int i = limit; i < headSize; i++) {
            long at = outAt + bytes(i);
            set(out, at, get(out, at) + weight * getByte(values, bytesAt + i));
        }
    }
}
