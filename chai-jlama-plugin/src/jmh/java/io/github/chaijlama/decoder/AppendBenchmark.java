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
 * Storing the keys and values of a prompt's rows. This project's arms run a layer whose window is one position:
 * rotation, storing, and of attention next to nothing. The stock arm only copies rows into Jlama's pages, position by
 * position as Jlama's attention does, without rotation.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = { "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED" })
@Warmup(iterations = 4, time = 2)
@Measurement(iterations = 5, time = 2)
public class AppendBenchmark {
    @Param({ "LLAMA_2_7B", "MISTRAL_7B" })
    public Shape shape;

    @Param("512")
    public int tokens;

    @Param({ "STOCK", "EXACT", "CLUSTERED" })
    public AttentionMode arm;

    private AttentionLayer layer;

    @Setup(Level.Trial)
    public void open() throws IOException {
        boolean stock = arm == AttentionMode.STOCK;
        layer = new AttentionLayer(arm, shape.heads(), Math.max(tokens, Verification.TOKENS) + 1, stock ? 0 : 1);
        Verification.requireRight(layer, arm, KvType.F32);
        if (stock && layer.copyRows(tokens) != 3) {
            throw new IllegalStateException("a row stored in Jlama's cache is not found there");
        }
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        layer.close();
    }

    @Benchmark
    public float append() {
        return arm == AttentionMode.STOCK ? layer.copyRows(tokens) : layer.prefill(tokens);
    }
}
