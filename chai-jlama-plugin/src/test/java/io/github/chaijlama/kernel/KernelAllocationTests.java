// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.Activation;

import static org.assertj.core.api.Assumptions.assumeThat;

/**
 * A kernel that the compiler could not inline everything into returns vectors as objects: its numbers are right and it
 * is up to ten times slower. What it allocates gives it away, whatever the machine's speed. What is inlined depends on
 * the JVM and on what ran before, so this is a finding to look at, and no condition of a build.
 */
@Tag("long")
class KernelAllocationTests {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int ROWS = 31;
    private static final int CALLS = 300;

    /** A kernel with its arguments. */
    private record Call(String name, Runnable kernel) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Call> calls() {
        return Stream.concat(Stream.of(64, 80, 128).flatMap(headSize -> calls(KernelProvider.get(), headSize)
                .entrySet().stream().map(call -> new Call(call.getKey() + ", " + headSize, call.getValue()))),
                rowCalls(KernelProvider.rows(), 1000).entrySet().stream()
                        .map(call -> new Call(call.getKey(), call.getValue())));
    }

    private static Map<String, Runnable> rowCalls(RowKernels kernels, int length) {
        MemorySegment x = memory(length);
        MemorySegment y = memory(length);
        Map<String, Runnable> calls = new LinkedHashMap<>();
        calls.put("rmsNorm", () -> kernels.rmsNorm(x, 0, y, 0, y, 0, 1e-5f, length));
        calls.put("layerNorm", () -> kernels.layerNorm(x, 0, y, 0, y, y, 1e-5f, length));
        for (Activation function : Activation.values()) {
            calls.put("activate " + function, () -> kernels.activate(function, x, 0, length));
            calls.put("gate " + function, () -> kernels.gate(function, x, 0, y, 0, length));
        }
        calls.put("add", () -> kernels.add(x, 0, y, 0, 0.5f, length));
        calls.put("multiply", () -> kernels.multiply(x, 0, 0.5f, length));
        return calls;
    }

    private static Map<String, Runnable> calls(AttentionKernels kernels, int headSize) {
        int tileRows = kernels.tileRows();
        MemorySegment x = memory(headSize * tileRows);
        MemorySegment y = memory(headSize * tileRows);
        MemorySegment rows = memory(headSize * Math.max(ROWS, tileRows));
        MemorySegment scores = memory(ROWS);
        float[] tile = new float[ROWS * tileRows];
        float[] state = new float[3 * tileRows];
        Map<String, Runnable> calls = new LinkedHashMap<>();
        for (KvType type : KvType.values()) {
            calls.put("storeRow " + type, () -> kernels.storeRow(type, rows, 0, x, 0, headSize));
            calls.put("loadRows " + type, () -> kernels.loadRows(y, 0, type, rows, 0, tileRows, headSize));
            calls.put("scores " + type, () -> kernels.scores(scores, 0, x, 0, type, rows, 0, ROWS, headSize, 1));
            calls.put("weightedSum " + type,
                    () -> kernels.weightedSum(y, 0, scores, 0, type, rows, 0, ROWS, headSize));
        }
        calls.put("softCap", () -> kernels.softCap(scores, 0, ROWS, 5));
        calls.put("softmax", () -> kernels.softmax(scores, 0, ROWS, Float.NEGATIVE_INFINITY));
        calls.put("rotate", () -> kernels.rotate(y, 0, x, 0, rows, 0, headSize));
        calls.put("transposeTile", () -> kernels.transposeTile(x, 0, rows, 0, headSize, tileRows - 1, headSize));
        calls.put("scoresTile", () -> kernels.scoresTile(tile, 0, x, 0, rows, 0, ROWS, headSize, 1));
        calls.put("softCapTile", () -> kernels.softCapTile(tile, 0, ROWS, 5));
        calls.put("softmaxTile, all seen", () -> kernels.softmaxTile(tile, 0, state, 0, ROWS, ROWS));
        calls.put("softmaxTile, some seen", () -> kernels.softmaxTile(tile, 0, state, 0, ROWS, 5));
        calls.put("weightedSumTile",
                () -> kernels.weightedSumTile(y, 0, state, 0, tile, 0, rows, 0, ROWS, headSize));
        calls.put("normalizeTile",
                () -> kernels.normalizeTile(rows, 0, headSize, y, 0, state, 0, tileRows - 1, headSize));
        return calls;
    }

    private static MemorySegment memory(int floats) {
        return Arena.ofAuto().allocate((long) floats * Float.BYTES, 64);
    }

    @ParameterizedTest
    @Timeout(120) // until everything is compiled; a second or two if there is nothing to find
    @MethodSource("calls")
    void compiledKernelsAllocateNothing(Call call) throws InterruptedException {
        assumeThat(KernelProvider.get()).as("vectors on this machine").isInstanceOf(VectorKernels.class);
        while (allocatedBy(call.kernel()) > 0) {
            Thread.sleep(1); // the compiler works on other threads
        }
    }

    private static long allocatedBy(Runnable kernel) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < CALLS; i++) {
            kernel.run();
        }
        return THREADS.getCurrentThreadAllocatedBytes() - before;
    }
}
