// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.slf4j.LoggerFactory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

/**
 * How the vector kernels reach memory. {@link AttentionKernels} has checked every range before they begin; their inner loops
 * go without checks, on one segment that spans all memory, and places are addresses. With the system property
 * {@value #CHECKS_PROPERTY} they access the segments themselves, each access checked; tests run both ways.
 *
 * <p>The reason is measured. C2 unrolls an inner loop by four and loads everything at its top, more than 16 vector registers
 * hold, and accumulators travel through the stack: 37 GFLOP/s for a tile of scores on a Zen 3 core that multiplies and adds 90
 * in registers. A fence between the iterations keeps each one's loads in place, and costs no instruction on x86, but with
 * segments the compiler then reads and checks their bounds anew each time (27). Without checks and with the fence it is 78.
 */
final class VectorMemory {
    static final VectorSpecies<Float> SPECIES = VectorCapabilities.speciesOf(VectorCapabilities.selectedBits());
    static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class,
            VectorShape.forBitSize(SPECIES.vectorBitSize()));
    static final int LANES = SPECIES.length();
    static final long VECTOR_BYTES = (long) LANES * Float.BYTES;
    /** System property: {@code true} for a bounds check at every access of the vector kernels. */
    static final String CHECKS_PROPERTY = "chai.kernel.boundsChecks";

    private static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final MemorySegment ALL = all();
    private static final boolean CHECKED = ALL == null;
    /** Elsewhere there are 32 vector registers, and the fence would be an instruction. */
    private static final boolean FENCE = !CHECKED && System.getProperty("os.arch").matches("amd64|x86_64");

    private VectorMemory() {}

    @SuppressWarnings("restricted")
    private static MemorySegment all() {
        if (Boolean.getBoolean(CHECKS_PROPERTY)) {
            return null;
        }
        try {
            return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
        } catch (IllegalCallerException e) {
            LoggerFactory.getLogger(VectorMemory.class).warn(
                    "Attention kernels check every access, up to three times slower: start Java with "
                            + "--enable-native-access=ALL-UNNAMED ({})",
                    e.getMessage());
            return null;
        }
    }

    /** Returns the place of a byte offset, to be used with the segment in the methods below. */
    static long at(MemorySegment segment, long byteOffset) {
        return CHECKED ? byteOffset : segment.address() + byteOffset;
    }

    /** Returns the place of an offset in floats. */
    static long atFloat(MemorySegment segment, long floatOffset) {
        return at(segment, bytes(floatOffset));
    }

    static long bytes(long floats) {
        return floats * Float.BYTES;
    }

    /** Ends an iteration: loads of the next one stay behind it. */
    static void fence() {
        if (FENCE) {
            VarHandle.loadLoadFence();
        }
    }

    static FloatVector load(MemorySegment segment, long at) {
        return FloatVector.fromMemorySegment(SPECIES, CHECKED ? segment : ALL, at, ORDER);
    }

    static IntVector loadInts(MemorySegment segment, long at) {
        return IntVector.fromMemorySegment(INTS, CHECKED ? segment : ALL, at, ORDER);
    }

    static ByteVector loadBytes(VectorSpecies<Byte> species, MemorySegment segment, long at) {
        return ByteVector.fromMemorySegment(species, CHECKED ? segment : ALL, at, ORDER);
    }

    static void store(ByteVector vector, MemorySegment segment, long at) {
        vector.intoMemorySegment(CHECKED ? segment : ALL, at, ORDER);
    }

    static void store(FloatVector vector, MemorySegment segment, long at) {
        vector.intoMemorySegment(CHECKED ? segment : ALL, at, ORDER);
    }

    static void store(IntVector vector, MemorySegment segment, long at) {
        vector.intoMemorySegment(CHECKED ? segment : ALL, at, ORDER);
    }

    static FloatVector broadcast(MemorySegment segment, long at) {
        return FloatVector.broadcast(SPECIES, get(segment, at));
    }

    static FloatVector broadcast(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }

    static FloatVector zero() {
        return FloatVector.zero(SPECIES);
    }

    static float get(MemorySegment segment, long at) {
        return (CHECKED ? segment : ALL).get(JAVA_FLOAT_UNALIGNED, at);
    }

    static void set(MemorySegment segment, long at, float value) {
        (CHECKED ? segment : ALL).set(JAVA_FLOAT_UNALIGNED, at, value);
    }

    static short getShort(MemorySegment segment, long at) {
        return (CHECKED ? segment : ALL).get(JAVA_SHORT_UNALIGNED, at);
    }

    static void setShort(MemorySegment segment, long at, short value) {
        (CHECKED ? segment : ALL).set(JAVA_SHORT_UNALIGNED, at, value);
    }

    static byte getByte(MemorySegment segment, long at) {
        return (CHECKED ? segment : ALL).get(JAVA_BYTE, at);
    }

    static void setByte(MemorySegment segment, long at, byte value) {
        (CHECKED ? segment : ALL).set(JAVA_BYTE, at, value);
    }
}
