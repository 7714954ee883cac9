// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import org.assertj.core.api.ThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.kv.KvType;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Every kernel of attention refuses ranges and memory that it may not reach. */
class AttentionRangesKernelsTests {
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.TestedKernels#ofAttention")
    void refuseRangesOutsideTheirSegments(AttentionKernels kernels) {
        MemorySegment small = arena.allocate(4L * 10);
        MemorySegment big = arena.allocate(4L * 100_000);
        float[] few = new float[3];
        float[] many = new float[1000];
        KvType f32 = KvType.F32;

        assertOutOfBounds(() -> kernels.scores(small, 0, big, 0, f32, big, 0, 11, 16, 1));
        assertOutOfBounds(() -> kernels.scores(big, 0, small, 0, f32, big, 0, 4, 16, 1));
        assertOutOfBounds(() -> kernels.scores(big, 0, big, 0, f32, big, 399_960, 1, 16, 1));
        assertOutOfBounds(() -> kernels.scores(big, -1, big, 0, f32, big, 0, 1, 16, 1));
        assertOutOfBounds(() -> kernels.softmax(small, 5, 6, Float.NEGATIVE_INFINITY));
        assertOutOfBounds(() -> kernels.weightedSum(small, 0, big, 0, f32, big, 0, 1, 16));
        assertOutOfBounds(() -> kernels.weightedSum(big, 0, big, 0, KvType.I8, small, 0, 3, 16));
        assertOutOfBounds(() -> kernels.storeRow(KvType.BF16, small, 9, big, 0, 16));
        assertOutOfBounds(() -> kernels.storeRow(KvType.I8, big, 0, small, 0, 16));
        assertOutOfBounds(() -> kernels.loadRows(small, 0, KvType.I8, big, 0, 1, 16));
        assertOutOfBounds(() -> kernels.loadRows(big, 0, KvType.I8, small, 21, 1, 16));
        assertOutOfBounds(() -> kernels.rotate(big, 0, small, 0, big, 0, 16));
        assertThatThrownBy(() -> kernels.transposeTile(big, 0, big, 0, 16, kernels.tileRows() + 1, 16))
                .isInstanceOf(IndexOutOfBoundsException.class).hasMessageContaining("1 to " + kernels.tileRows());
        assertOutOfBounds(() -> kernels.scoresTile(few, 0, big, 0, big, 0, 2, 16, 1));
        assertOutOfBounds(() -> kernels.scoresTile(many, 0, big, 0, small, 0, 2, 16, 1));
        assertOutOfBounds(() -> kernels.softmaxTile(many, 0, few, 0, 1, 1));
        assertOutOfBounds(() -> kernels.weightedSumTile(big, 0, many, 0, many, 0, small, 0, 1, 16));
        assertOutOfBounds(() -> kernels.weightedSumTile(big, 0, many, 0, few, 0, big, 0, 1, 16));
        assertOutOfBounds(() -> kernels.normalizeTile(big, 99_999, 16, big, 0, many, 0, 1, 16));
        assertOutOfBounds(() -> kernels.normalizeTile(big, 0, 16, big, 0, few, 0, 1, 16));
    }

    private static void assertOutOfBounds(ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @ParameterizedTest
    @MethodSource("io.github.chaijlama.kernel.TestedKernels#ofAttention")
    void refuseMemoryTheyCannotAddress(AttentionKernels kernels) {
        MemorySegment heap = MemorySegment.ofArray(new float[100]);
        assertThatThrownBy(() -> kernels.softmax(heap, 0, 10, Float.NEGATIVE_INFINITY))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("native memory");
        Arena shortLived = Arena.ofConfined();
        MemorySegment freed = shortLived.allocate(400, 4);
        shortLived.close();
        assertThatThrownBy(() -> kernels.softmax(freed, 0, 10, Float.NEGATIVE_INFINITY))
                .isInstanceOf(IllegalStateException.class);
    }
}
