// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.Optional;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.bench.Benchmark;
import io.github.chaijlama.bench.Measurement;
import io.github.chaijlama.bench.ProductCost;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.ModelShape;

/**
 * What {@code chai bench} measured, on what.
 *
 * @param name    name of the model's directory or of the shape
 * @param weights type of the weights, for instance {@code F32}
 * @param profile clusters per layer, if any arm is clustered
 */
record Benchmarked(String name, ModelShape shape, String weights, ChaiOptions options, Optional<ClusterProfile> profile,
        Benchmark.Result result) {

    /** Returns the machine in a line. */
    String machine() {
        return Runtime.getRuntime().availableProcessors() + " processors (" + System.getProperty("os.arch") + "), "
                + options.threads() + " threads, Java " + Runtime.version() + ", kernels: "
                + KernelProvider.get().description();
    }

    /** Whether every arm's keys and values at a context length are too many for the caches. */
    boolean readsFromMemory(int context) {
        long smallest = result.measurements().stream().filter(measurement -> measurement.context() == context)
                .mapToLong(Measurement::kvCacheBytes).min().orElse(0);
        return result.peaks().readsFromMemory(smallest);
    }

    /** Returns the share of the measured peak that the products of a prompt reach, 1 for all of it. */
    double prefillShareOfPeak(ProductCost cost) {
        return cost.prefillGflops().median() / result.peaks().gflops().median();
    }

    /** Returns the share of the measured bandwidth with which products of one more token read their weights. */
    double decodeShareOfPeak(ProductCost cost) {
        return cost.decodeGigabytes().median() / result.peaks().readGigabytes().median();
    }
}
