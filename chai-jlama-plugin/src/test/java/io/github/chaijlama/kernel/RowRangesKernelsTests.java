// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.model.Activation;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Every operation on rows refuses, before it touches a value, ranges and memory that it may not reach. */
class RowRangesKernelsTests {
    private static final int LENGTH = 100;

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    /** An operation on some places, each {@link #LENGTH} floats. */
    private enum Operation {
        RMS_NORM(2, 1) {
            @Override
            void run(RowKernels kernels, MemorySegment[] memory, long[] offsets, int length) {
                kernels.rmsNorm(memory[0], offsets[0], memory[1], offsets[1], memory[2], 0, 1e-5f, length);
            }
        },
        LAYER_NORM(2, 2) {
            @Override
            void run(RowKernels kernels, MemorySegment[] memory, long[] offsets, int length) {
                kernels.layerNorm(memory[0], offsets[0], memory[1], offsets[1], memory[2], memory[3], 1e-5f, length);
            }
        },
        SILU(1, 0) {
            @Override
            void run(RowKernels kernels, MemorySegment[] memory, long[] offsets, int length) {
                kernels.activate(Activation.SILU, memory[0], offsets[0], length);
            }
        },
        GELU(1, 0) {
            @Override
            void run(RowKernels kernels, MemorySegment[] memory, long[] offsets, int length) {
                kernels.activate(Activation.GELU_TANH, memory[0], offsets[0], length);
            }
        },
        GATE(2, 0) {
            @Override
            void run(RowKernels kernels, MemorySegment[] memory, long[] offsets, int length) {
                kernels.gate(Activation.SILU, memory[0], offsets[0], memory[1], offsets[1], length);
            }
        },
        ADD(2, 0) {
            @Override
            void run(RowKernels kernels, MemorySegment[] memory, long[] offsets, int length) {
                kernels.add(memory[0], offsets[0], memory[1], offsets[1], 1, length);
            }
        },
        MULTIPLY(1, 0) {
            @Override
            void run(RowKernels kernels, MemorySegment[] memory, long[] offsets, int length) {
                kernels.multiply(memory[0], offsets[0], 2, length);
            }
        };

        private final int withOffset;
        private final int places;

        /**
         * Says what an operation reaches.
         *
         * @param withOffset    places that have an offset
         * @param fromBeginning places that are taken from the beginning of their segments
         */
        Operation(int withOffset, int fromBeginning) {
            this.withOffset = withOffset;
            this.places = withOffset + fromBeginning;
        }

        abstract void run(RowKernels kernels, MemorySegment[] memory, long[] offsets, int length);
    }

    /** Kernels and operations. */
    static Stream<Arguments> operations() {
        return TestedKernels.ofRows().stream()
                .flatMap(kernels -> Arrays.stream(Operation.values()).map(each -> Arguments.of(kernels, each)));
    }

    /** Kernels, operations, and which of an operation's places is a wrong one. */
    static Stream<Arguments> places() {
        List<Arguments> places = new ArrayList<>();
        for (RowKernels kernels : TestedKernels.ofRows()) {
            for (Operation operation : Operation.values()) {
                for (int place = 0; place < operation.places; place++) {
                    places.add(Arguments.of(kernels, operation, place));
                }
            }
        }
        return places.stream();
    }

    /** As {@link #places}, of those with an offset. */
    static Stream<Arguments> offsets() {
        return places().filter(arguments -> (Integer) arguments.get()[2] < ((Operation) arguments.get()[1]).withOffset);
    }

    private MemorySegment[] memory(Operation operation) {
        MemorySegment[] memory = new MemorySegment[operation.places];
        for (int place = 0; place < memory.length; place++) {
            memory[place] = arena.allocate((long) LENGTH * Float.BYTES, Float.BYTES);
            for (int i = 0; i < LENGTH; i++) {
                memory[place].setAtIndex(JAVA_FLOAT, i, 1 + i + place);
            }
        }
        return memory;
    }

    private void assertRefused(RowKernels kernels, Operation operation, MemorySegment[] memory, long[] offsets,
            int length, Class<? extends Exception> error) {
        List<float[]> before = Arrays.stream(memory).map(RowRangesKernelsTests::floats).toList();
        assertThatThrownBy(() -> operation.run(kernels, memory, offsets, length)).isInstanceOf(error);
        for (int place = 0; place < memory.length; place++) {
            assertThat(floats(memory[place])).as("place %d is as it was", place).containsExactly(before.get(place));
        }
    }

    private static float[] floats(MemorySegment segment) {
        return segment.scope().isAlive()
                ? segment.asSlice(0, segment.byteSize() / Float.BYTES * Float.BYTES).toArray(JAVA_FLOAT)
                : new float[0];
    }

    @ParameterizedTest
    @MethodSource("places")
    void segmentsThatAreTooShort(RowKernels kernels, Operation operation, int place) {
        for (int missing : new int[]{ 1, 17, LENGTH }) {
            MemorySegment[] memory = memory(operation);
            memory[place] = memory[place].asSlice(0, (long) (LENGTH - missing) * Float.BYTES);
            assertRefused(kernels, operation, memory, new long[operation.places], LENGTH,
                    IndexOutOfBoundsException.class);
        }
        MemorySegment[] memory = memory(operation);
        memory[place] = memory[place].asSlice(0, (long) LENGTH * Float.BYTES - 1); // a byte of the last float
        assertRefused(kernels, operation, memory, new long[operation.places], LENGTH, IndexOutOfBoundsException.class);
    }

    @ParameterizedTest
    @MethodSource("offsets")
    void offsetsOutside(RowKernels kernels, Operation operation, int place) {
        // The last one is 0 when it is counted in bytes, and so little that it overflows.
        for (long offset : new long[]{ -1, 1, LENGTH, LENGTH + 1, Integer.MAX_VALUE, Long.MIN_VALUE, Long.MAX_VALUE,
                1L << 62 }) {
            long[] offsets = new long[operation.places];
            offsets[place] = offset;
            assertRefused(kernels, operation, memory(operation), offsets, LENGTH, IndexOutOfBoundsException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("operations")
    void negativeLengths(RowKernels kernels, Operation operation) {
        assertRefused(kernels, operation, memory(operation), new long[operation.places], -1,
                IndexOutOfBoundsException.class);
    }

    @ParameterizedTest
    @MethodSource("places")
    void memoryOfTheHeap(RowKernels kernels, Operation operation, int place) {
        MemorySegment[] memory = memory(operation);
        memory[place] = MemorySegment.ofArray(new float[LENGTH]);
        assertRefused(kernels, operation, memory, new long[operation.places], LENGTH, IllegalArgumentException.class);
    }

    @ParameterizedTest
    @MethodSource("places")
    void memoryThatIsFreed(RowKernels kernels, Operation operation, int place) {
        MemorySegment[] memory = memory(operation);
        try (Arena shortLived = Arena.ofConfined()) {
            memory[place] = shortLived.allocate((long) LENGTH * Float.BYTES, Float.BYTES);
        }
        assertRefused(kernels, operation, memory, new long[operation.places], LENGTH, IllegalStateException.class);
    }

    /** The whole of a segment is no range outside of it. */
    @ParameterizedTest
    @MethodSource("operations")
    void rangesThatFitExactly(RowKernels kernels, Operation operation) {
        MemorySegment[] memory = memory(operation);
        float[] before = floats(memory[0]);
        long[] end = new long[operation.places];
        Arrays.fill(end, 0, operation.withOffset, LENGTH);
        operation.run(kernels, memory, end, 0);
        assertThat(floats(memory[0])).containsExactly(before);
        operation.run(kernels, memory, new long[operation.places], LENGTH);
        assertThat(floats(memory[0])).isNotEqualTo(before).doesNotContain(Float.NaN);
    }
}
