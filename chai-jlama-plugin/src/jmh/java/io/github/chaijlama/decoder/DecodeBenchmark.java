// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.kv.KvType;

/**
 * Attention of one layer for one more token after a prompt, always the same one, of one sequence after another: so many
 * that their keys and values together are larger than the caches, as those of a model's layers are.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = { "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED" })
@Warmup(iterations = 4, time = 2)
@Measurement(iterations = 5, time = 2)
public class DecodeBenchmark {
    @Param({ "LLAMA_2_7B", "MISTRAL_7B" })
    public Shape shape;

    @Param({ "512", "2048" })
    public int context;

    @Param({ "STOCK", "EXACT", "CLUSTERED" })
    public AttentionMode arm;

    /** Jlama's own attention stores F32; it is right to leave the arm out for the others. */
    @Param("F32")
    public KvType kv;

    @Param("4")
    public int sequences;

    private AttentionLayer layer;

    @Setup(Level.Trial)
    public void open() throws IOException {
        layer = new AttentionLayer(arm, shape.heads(), Math.max(context, Verification.TOKENS) + 1, 0, kv, sequences);
        Verification.requireRight(layer, arm, kv);
        for (int i = 0; i < sequences; i++) {
            layer.prefill(context);
            layer.nextSequence();
        }
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        layer.close();
    }

    @Benchmark
    public float decode() {
        layer.nextSequence();
        return layer.run(context, 1);
    }
}
