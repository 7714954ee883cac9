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
 * How the vector kernels reach memory. {@link AttentionKernels}, {@link RowKernels} and those of matrix products have
 * checked every range before they begin; their inner loops go without checks, on one segment that spans all memory, and
 * places are addresses. With the system property {@value #CHECKS_PROPERTY} they access the segments themselves, each
 * access checked; tests run both ways.
 *
 * <p>What the loops look like follows from what C2 (JDK 25) makes of them; all of it is measured, on a Zen 3 core.
 * <ul>
 * <li>It unrolls a counted loop by four and loads everything at its top, more than 16 vector registers hold, and
 * accumulators travel through the stack: 37 GFLOP/s for a tile of scores where registers alone give 90. A
 * {@linkplain #fence() fence} between the iterations keeps each one's loads in place, and costs no instruction on x86,
 * but with segments the compiler then reads and checks their bounds anew each time (27). Without checks and with the
 * fence it is 78.
 * <li>Loops as short as a row spend half their time in what unrolling puts before and after them. One that ends at an
 * address, {@code at != end}, is not counted: it stays as it is written, and needs no fence.
 * <li>The check against the end of all memory goes away where the compiler knows that a place is below:
 * {@code at & }{@link #PLACES}.
 * <li>From 18,000 nodes on C2 inlines no methods but the JDK's own, and a vector that a method of ours returns is an
 * object then, ten times slower. Some twenty loads and stores are enough. So methods with many of them call the Vector
 * API directly, on {@link #memory}.
 * </ul>
 */
public final class VectorMemory {
    /** Vectors of floats as wide as was chosen for this machine. */
    public static final VectorSpecies<Float> SPECIES = VectorCapabilities.speciesOf(VectorCapabilities.selectedBits());
    /** Vectors of as many ints. */
    public static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class,
            VectorShape.forBitSize(SPECIES.vectorBitSize()));
    /** Floats of a vector. */
    public static final int LANES = SPECIES.length();
    /** Bytes of a vector. */
    public static final long VECTOR_BYTES = (long) LANES * Float.BYTES;
    /** System property: {@code true} for a bounds check at every access of the vector kernels. */
    static final String CHECKS_PROPERTY = "chai.kernel.boundsChecks";

    /** The machine's order of bytes. */
    public static final ByteOrder ORDER = ByteOrder.nativeOrder();
    private static final MemorySegment ALL = all();
    private static final boolean CHECKED = ALL.byteSize() == 0;
    /** A mask that no place loses anything to. */
    public static final long PLACES = Long.MAX_VALUE >>> 4;
    /**
     * Whether loops need {@link #fence()}, which methods too long for C2 to inline it write out. Elsewhere there are 32
     * vector registers, and it would be an instruction.
     */
    public static final boolean FENCE = !CHECKED && System.getProperty("os.arch").matches("amd64|x86_64");

    private VectorMemory() {}

    /** Returns a segment that spans all memory, an empty one if every access is to be checked. */
    @SuppressWarnings("restricted")
    private static MemorySegment all() {
        if (Boolean.getBoolean(CHECKS_PROPERTY)) {
            return MemorySegment.NULL;
        }
        try {
            return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
        } catch (IllegalCallerException e) {
            LoggerFactory.getLogger(VectorMemory.class).warn(
                    "Vector kernels check every access, up to three times slower: start Java with "
                            + "--enable-native-access=ALL-UNNAMED ({})",
                    e.getMessage());
            return MemorySegment.NULL;
        }
    }

    /** Returns the place of a byte offset, to be used with the segment in the methods below. */
    public static long at(MemorySegment segment, long byteOffset) {
        return CHECKED ? byteOffset : segment.address() + byteOffset;
    }

    /** Returns the place of an offset in floats. */
    public static long atFloat(MemorySegment segment, long floatOffset) {
        return at(segment, bytes(floatOffset));
    }

    /** Returns the segment in which the places of this one are offsets. */
    public static MemorySegment memory(MemorySegment segment) {
        return CHECKED ? segment : ALL;
    }

    /** Returns the bytes of so many floats. */
    public static long bytes(long floats) {
        return floats * Float.BYTES;
    }

    /** Ends an iteration: loads of the next one stay behind it. */
    public static void fence() {
        if (FENCE) {
            VarHandle.loadLoadFence();
        }
    }

    /** Returns the vector at a place. */
    public static FloatVector load(MemorySegment segment, long at) {
        return FloatVector.fromMemorySegment(SPECIES, memory(segment), at, ORDER);
    }

    static IntVector loadInts(MemorySegment segment, long at) {
        return IntVector.fromMemorySegment(INTS, memory(segment), at, ORDER);
    }

    static ByteVector loadBytes(VectorSpecies<Byte> species, MemorySegment segment, long at) {
        return ByteVector.fromMemorySegment(species, memory(segment), at, ORDER);
    }

    static void store(ByteVector vector, MemorySegment segment, long at) {
        vector.intoMemorySegment(memory(segment), at, ORDER);
    }

    /** Stores a vector at a place. */
    public static void store(FloatVector vector, MemorySegment segment, long at) {
        vector.intoMemorySegment(memory(segment), at, ORDER);
    }

    static void store(IntVector vector, MemorySegment segment, long at) {
        vector.intoMemorySegment(memory(segment), at, ORDER);
    }

    static FloatVector broadcast(MemorySegment segment, long at) {
        return FloatVector.broadcast(SPECIES, get(segment, at));
    }

    static FloatVector broadcast(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }

    /** Returns a vector of zeros. */
    public static FloatVector zero() {
        return FloatVector.zero(SPECIES);
    }

    /** Returns the float at a place. */
    public static float get(MemorySegment segment, long at) {
        return memory(segment).get(JAVA_FLOAT_UNALIGNED, at);
    }

    /** Stores a float at a place. */
    public static void set(MemorySegment segment, long at, float value) {
        memory(segment).set(JAVA_FLOAT_UNALIGNED, at, value);
    }

    static short getShort(MemorySegment segment, long at) {
        return memory(segment).get(JAVA_SHORT_UNALIGNED, at);
    }

    static void setShort(MemorySegment segment, long at, short value) {
        memory(segment).set(JAVA_SHORT_UNALIGNED, at, value);
    }

    static byte getByte(MemorySegment segment, long at) {
        return memory(segment).get(JAVA_BYTE, at);
    }

    static void setByte(MemorySegment segment, long at, byte value) {
        memory(segment).set(JAVA_BYTE, at, value);
    }
}
