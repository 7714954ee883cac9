// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

import io.github.chaijlama.bench.Benchmark;
import io.github.chaijlama.bench.LayerCost;
import io.github.chaijlama.bench.MachinePeaks;
import io.github.chaijlama.bench.Measurement;
import io.github.chaijlama.bench.ProductCost;
import io.github.chaijlama.bench.Spread;
import io.github.chaijlama.bench.StepParts;
import io.github.chaijlama.bench.StockComparison;

/** A benchmark for people. */
final class BenchText {
    /** Marks rates of reading that a cache may have helped. */
    static final String NOT_FROM_MEMORY = "*";

    /** How products are counted. */
    static final String PRODUCTS = "GFLOP/s: two for every value of a weight and row that were multiplied; GB/s: the "
            + "weights that a token is multiplied with, as they are stored. Stock's products cannot be seen from "
            + "outside: its feed-forward network counts whole.";

    private final PrintWriter out;
    private final Benchmarked benchmarked;
    private final Benchmark.Result result;

    private BenchText(PrintWriter out, Benchmarked benchmarked) {
        this.out = out;
        this.benchmarked = benchmarked;
        this.result = benchmarked.result();
    }

    static void print(PrintWriter out, Benchmarked benchmarked) {
        new BenchText(out, benchmarked).print();
    }

    private void print() {
        MachinePeaks peaks = result.peaks();
        out.println(benchmarked.shape() + ", weights " + benchmarked.weights());
        out.println(benchmarked.machine());
        out.printf(Locale.ROOT,
                "measured peaks: %s GFLOP/s multiply-add, %s GB/s reading %d MiB; last-level cache: %s%n",
                format(peaks.gflops()), format(peaks.readGigabytes()), peaks.bufferBytes() >> 20,
                lastLevelCache(peaks));
        benchmarked.profile().ifPresent(profile -> out.println("clusters per layer: " + profile.clusters()));
        result.notes().forEach(out::println);
        out.println("medians (smallest to largest)");
        if (!result.measurements().isEmpty()) {
            printTimes();
            result.measurements().stream().flatMap(measurement -> measurement.whole().stream()).findFirst()
                    .ifPresent(whole -> printWhole(whole.layers()));
            printComparisons();
            printProducts();
            printAttention();
            printParts();
        }
        if (!result.leftOut().isEmpty()) {
            out.println();
            out.println("left out, because the time of --max-seconds was over:");
            result.leftOut().forEach(line -> out.println("  " + line));
        }
    }

    private void printTimes() {
        out.println();
        out.printf("%-8s %-15s %30s %28s %10s%n", "context", "arm", "time to first token, ms", "decode, ms a token",
                "K+V MiB");
        for (Measurement measurement : result.measurements()) {
            out.printf("%-8d %-15s %30s %28s %10s%n", measurement.context(), measurement.arm().label(),
                    format(measurement.prefillMillis()), format(measurement.decodeMillis()),
                    mebibytes(measurement.kvCacheBytes()));
        }
    }

    private void printWhole(int layers) {
        out.println();
        out.println("EXTRAPOLATED, not measured, to all " + layers + " layers: the time of those measured ("
                + benchmarked.shape().layers() + "),");
        out.println("by the layers there are (of as many clusters), and the rest of a step once");
        out.printf("%-8s %-15s %30s %28s %10s%n", "context", "arm", "time to first token, ms", "decode, ms a token",
                "K+V MiB");
        for (Measurement measurement : result.measurements()) {
            measurement.whole().ifPresent(whole -> out.printf("%-8d %-15s %30s %28s %10s%n", measurement.context(),
                    measurement.arm().label(), "~" + format(whole.prefillMillis()), "~" + format(whole.decodeMillis()),
                    "~" + mebibytes(whole.kvCacheBytes())));
        }
    }

    private void printComparisons() {
        List<StockComparison> comparisons = StockComparison.of(result.measurements());
        if (!comparisons.isEmpty()) {
            out.println();
            out.println("times as fast as stock, the faster arm of it in each column");
            out.printf("%-8s %-15s %28s %28s%n", "context", "arm", "to first token", "decode");
            comparisons.forEach(comparison -> out.printf("%-8d %-15s %28s %28s%n", comparison.context(),
                    comparison.arm().label(), format(comparison.prefill()), format(comparison.decode())));
        }
    }

    private void printProducts() {
        out.println();
        out.println("matrix products: projections, feed-forward network, head; all layers");
        out.printf("%-8s %-15s %28s %28s %7s %26s %26s %7s%n", "context", "arm", "prefill ms", "GFLOP/s", "of peak",
                "decode ms", "GB/s", "of peak");
        for (Measurement measurement : result.measurements()) {
            ProductCost cost = measurement.products();
            out.printf(Locale.ROOT, "%-8d %-15s %28s %28s %6.1f%% %26s %26s %6.1f%%%n", measurement.context(),
                    measurement.arm().label(), format(cost.prefillMillis()), format(cost.prefillGflops()),
                    100 * benchmarked.prefillShareOfPeak(cost), formatFine(cost.decodeMillis()),
                    format(cost.decodeGigabytes()), 100 * benchmarked.decodeShareOfPeak(cost));
        }
        out.println(PRODUCTS);
    }

    private void printAttention() {
        MachinePeaks peaks = result.peaks();
        boolean marked = false;
        out.println();
        out.println("attention alone, a layer: rotation, storing, scores, softmax, values, finding clusters;"
                + " without its four matrix products");
        out.printf("%-8s %-15s %8s %28s %9s %7s %26s %9s %7s%n", "context", "arm", "clusters", "prefill ms",
                "GFLOP/s", "of peak", "decode ms", "GB/s", "of peak");
        for (Measurement measurement : result.measurements()) {
            boolean memory = benchmarked.readsFromMemory(measurement.context());
            marked |= !memory;
            for (LayerCost cost : measurement.layers()) {
                out.printf(Locale.ROOT, "%-8d %-15s %8d %28s %9.2f %6.1f%% %26s %9s %6.1f%%%n", measurement.context(),
                        measurement.arm().label(), cost.clusters(), format(cost.prefillMillis()),
                        cost.prefillGflops(), 100 * cost.prefillGflops() / peaks.gflops().median(),
                        formatFine(cost.decodeMillis()),
                        String.format(Locale.ROOT, "%.2f%s", cost.decodeGigabytes(), memory ? "" : NOT_FROM_MEMORY),
                        100 * cost.decodeGigabytes() / peaks.readGigabytes().median());
            }
        }
        out.println("GFLOP/s: 2 N (N+1) H d a layer, whatever the arm computes; GB/s: the K and V a token reads."
                + " Stock's products cannot be seen");
        out.println("from outside: they are run once more beside each step and subtracted, which says little where"
                + " attention is a small part.");
        if (marked) {
            out.println(NOT_FROM_MEMORY + " the smallest arm's K+V at this context is not above " + MachinePeaks.CACHES
                    + " times the last-level cache: some of it may be read from there");
        }
    }

    @SuppressWarnings("OrphanedFormatString") // no format, a percent sign
    private void printParts() {
        out.println();
        out.println("where the time goes, % of a step: attention alone, its matrix products, feed-forward network,"
                + " head, all else");
        out.printf("%-8s %-15s %8s %10s %12s %13s %7s %7s%n", "context", "arm", "step", "attention", "projections",
                "feed-forward", "head", "other");
        for (Measurement measurement : result.measurements()) {
            printParts(measurement, "prefill", measurement.prefill());
            printParts(measurement, "decode", measurement.decode());
        }
    }

    private void printParts(Measurement measurement, String step, StepParts parts) {
        List<Object> row = new ArrayList<>(List.of(measurement.context(), measurement.arm().label(), step));
        parts.shares().values().forEach(share -> row.add(100 * share));
        out.printf(Locale.ROOT, "%-8d %-15s %8s %10.1f %12.1f %13.1f %7.1f %7.1f%n", row.toArray());
    }

    /** Returns how many times as fast as which arm. */
    static String format(StockComparison.Ratio ratio) {
        return String.format(Locale.ROOT, "%.2fx %s", ratio.faster(), ratio.stock().label());
    }

    static String format(Spread spread) {
        return String.format(Locale.ROOT, "%.2f (%.2f to %.2f)", spread.median(), spread.min(), spread.max());
    }

    static String formatFine(Spread spread) {
        return String.format(Locale.ROOT, "%.3f (%.3f to %.3f)", spread.median(), spread.min(), spread.max());
    }

    /** Returns the size of the last-level cache with its unit. */
    static String lastLevelCache(MachinePeaks peaks) {
        OptionalLong bytes = peaks.lastLevelCacheBytes();
        return bytes.isPresent() ? mebibytes(bytes.getAsLong()) + " MiB" : "unknown";
    }

    static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%.2f", bytes / (double) (1 << 20));
    }
}
