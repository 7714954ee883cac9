// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.SplittableRandom;
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
import org.openjdk.jmh.annotations.Warmup;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.RepresentativeChoice;

/**
 * Finding a layer's clusters from the window's probabilities, which clustered attention does once a sequence and layer
 * and the other arms never.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = { "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED" })
@Warmup(iterations = 4, time = 2)
@Measurement(iterations = 5, time = 2)
public class MembershipBenchmark {
    private static final int HEADS = 32;
    private static final int CLUSTERS = 4;

    @Param({ "5", "64" })
    public int window;

    @Param({ "AGGLOMERATIVE", "KMEANS" })
    public ClusteringAlgorithm algorithm;

    /** Probabilities by row of the window and head; heads that are equal modulo {@value #CLUSTERS} differ by little. */
    private double[][][] rows;

    @Setup(Level.Trial)
    public void open() {
        SplittableRandom random = new SplittableRandom(1);
        rows = new double[window][HEADS][];
        for (int row = 0; row < window; row++) {
            for (int head = 0; head < HEADS; head++) {
                rows[row][head] = new double[row + 1];
                for (int key = 0; key <= row; key++) {
                    double own = head < CLUSTERS ? random.nextDouble() : rows[row][head % CLUSTERS][key];
                    rows[row][head][key] = own + 1e-3 * random.nextDouble();
                }
            }
        }
        HeadClusters clusters = membership();
        for (int head = 0; head < HEADS; head++) {
            if (clusters.numberOfClusters() != CLUSTERS || clusters.member(head) != head % CLUSTERS) {
                throw new IllegalStateException("expected heads modulo " + CLUSTERS + ", found " + clusters);
            }
        }
    }

    @Benchmark
    public HeadClusters membership() {
        HeadGram gram = new HeadGram(HEADS);
        for (double[][] row : rows) {
            gram.append(row);
        }
        return algorithm.cluster(gram, CLUSTERS, RepresentativeChoice.FIRST);
    }
}
