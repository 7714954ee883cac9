// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.bench.Benchmark;
import io.github.chaijlama.bench.LayerCost;
import io.github.chaijlama.bench.MachinePeaks;
import io.github.chaijlama.bench.Measurement;
import io.github.chaijlama.bench.Spread;
import io.github.chaijlama.bench.StepParts;
import io.github.chaijlama.jlama.ModelConfig;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * What {@code chai bench} prints, for people and for machines.
 *
 * @param weights type of the weights, for instance {@code F32}
 * @param profile clusters per layer, null if no arm is clustered
 */
record BenchReport(ModelConfig config, String weights, ChaiOptions options, ClusterProfile profile,
        Benchmark.Result result) {
    private static final String NOT_FROM_MEMORY = "*";

    private String machine() {
        return Runtime.getRuntime().availableProcessors() + " processors (" + System.getProperty("os.arch") + "), "
                + options.threads() + " threads, Java " + Runtime.version() + ", kernels: "
                + KernelProvider.get().description();
    }

    /** Whether every arm's keys and values at a context length are too many for the caches. */
    private boolean readsFromMemory(int context) {
        long smallest = result.measurements().stream().filter(measurement -> measurement.context() == context)
                .mapToLong(Measurement::kvCacheBytes).min().orElse(0);
        return result.peaks().readsFromMemory(smallest);
    }

    // ---- for people ----

    void print(PrintWriter out) {
        MachinePeaks peaks = result.peaks();
        out.println(config.shape() + ", weights " + weights);
        out.println(machine());
        out.printf(Locale.ROOT,
                "measured peaks: %s GFLOP/s multiply-add, %s GB/s reading %d MiB; last-level cache: %s%n",
                format(peaks.gflops()), format(peaks.readGigabytes()), peaks.bufferBytes() >> 20,
                peaks.lastLevelCacheBytes() < 0 ? "unknown" : mebibytes(peaks.lastLevelCacheBytes()) + " MiB");
        if (profile != null) {
            out.println("clusters per layer: " + profile.clusters());
        }
        out.println("medians (smallest to largest)");
        if (!result.measurements().isEmpty()) {
            printTimes(out);
            printWhole(out);
            printAttention(out);
            printParts(out);
        }
        if (!result.leftOut().isEmpty()) {
            out.println();
            out.println("left out, because the time of --max-seconds was over:");
            result.leftOut().forEach(line -> out.println("  " + line));
        }
    }

    private void printTimes(PrintWriter out) {
        out.println();
        out.printf("%-8s %-15s %30s %28s %10s%n", "context", "arm", "time to first token, ms", "decode, ms a token",
                "K+V MiB");
        for (Measurement measurement : result.measurements()) {
            out.printf("%-8d %-15s %30s %28s %10s%n", measurement.context(), measurement.arm().label(),
                    format(measurement.prefillMillis()), format(measurement.decodeMillis()),
                    mebibytes(measurement.kvCacheBytes()));
        }
    }

    private void printWhole(PrintWriter out) {
        List<Measurement> extrapolated = result.measurements().stream()
                .filter(measurement -> measurement.whole() != null).toList();
        if (extrapolated.isEmpty()) {
            return;
        }
        out.println();
        out.println("EXTRAPOLATED, not measured, to all " + extrapolated.getFirst().whole().layers()
                + " layers: the time of those measured (" + config.layers() + "),");
        out.println("by the layers there are (of as many clusters), and the rest of a step once");
        out.printf("%-8s %-15s %30s %28s %10s%n", "context", "arm", "time to first token, ms", "decode, ms a token",
                "K+V MiB");
        for (Measurement measurement : extrapolated) {
            out.printf("%-8d %-15s %30s %28s %10s%n", measurement.context(), measurement.arm().label(),
                    "~" + format(measurement.whole().prefillMillis()), "~" + format(measurement.whole().decodeMillis()),
                    "~" + mebibytes(measurement.whole().kvCacheBytes()));
        }
    }

    private void printAttention(PrintWriter out) {
        MachinePeaks peaks = result.peaks();
        boolean marked = false;
        out.println();
        out.println("attention alone, a layer: rotation, storing, scores, softmax, values, finding clusters;"
                + " without its four matrix products");
        out.printf("%-8s %-15s %8s %28s %9s %7s %26s %9s %7s%n", "context", "arm", "clusters", "prefill ms",
                "GFLOP/s", "of peak", "decode ms", "GB/s", "of peak");
        for (Measurement measurement : result.measurements()) {
            boolean memory = readsFromMemory(measurement.context());
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

    private void printParts(PrintWriter out) {
        out.println();
        out.println("where the time goes, % of a step: attention alone, its matrix products, feed-forward network,"
                + " head, all else");
        out.printf("%-8s %-15s %8s %10s %12s %13s %7s %7s%n", "context", "arm", "step", "attention", "projections",
                "feed-forward", "head", "other");
        for (Measurement measurement : result.measurements()) {
            printParts(out, measurement, "prefill", measurement.prefill());
            printParts(out, measurement, "decode", measurement.decode());
        }
    }

    private static void printParts(PrintWriter out, Measurement measurement, String step, StepParts parts) {
        Map<String, Double> shares = parts.shares();
        out.printf(Locale.ROOT, "%-8d %-15s %8s %10.1f %12.1f %13.1f %7.1f %7.1f%n", measurement.context(),
                measurement.arm().label(), step, 100 * shares.get("attention"), 100 * shares.get("projections"),
                100 * shares.get("feedForward"), 100 * shares.get("head"), 100 * shares.get("other"));
    }

    private static String format(Spread spread) {
        return String.format(Locale.ROOT, "%.2f (%.2f to %.2f)", spread.median(), spread.min(), spread.max());
    }

    private static String formatFine(Spread spread) {
        return String.format(Locale.ROOT, "%.3f (%.3f to %.3f)", spread.median(), spread.min(), spread.max());
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%.2f", bytes / (double) (1 << 20));
    }

    // ---- for machines ----

    ObjectNode toJson() {
        ObjectNode root = Json.object();
        root.put("model", config.shape().toString()).put("weights", weights).put("machine", machine())
                .put("threads", options.threads());
        MachinePeaks peaks = result.peaks();
        ObjectNode peak = root.putObject("peaks");
        put(peak.putObject("multiplyAddGflops"), peaks.gflops());
        put(peak.putObject("readGigabytesPerSecond"), peaks.readGigabytes());
        peak.put("readBufferBytes", peaks.bufferBytes());
        if (peaks.lastLevelCacheBytes() < 0) {
            peak.putNull("lastLevelCacheBytes");
        } else {
            peak.put("lastLevelCacheBytes", peaks.lastLevelCacheBytes());
        }
        if (profile != null) {
            Json.putNumbers(root, "clusters", profile.clusters().stream().mapToInt(Integer::intValue).toArray());
        }
        ArrayNode list = root.putArray("measurements");
        result.measurements().forEach(measurement -> put(list.addObject(), measurement));
        ArrayNode leftOut = root.putArray("leftOut");
        result.leftOut().forEach(leftOut::add);
        return root;
    }

    private void put(ObjectNode node, Measurement measurement) {
        node.put("context", measurement.context()).put("arm", measurement.arm().label())
                .put("attention", measurement.arm().attention().name()).put("kv", measurement.arm().kv().name())
                .put("runs", measurement.runs());
        put(node.putObject("prefillMillis"), measurement.prefillMillis());
        put(node.putObject("decodeMillis"), measurement.decodeMillis());
        node.put("kvCacheBytes", measurement.kvCacheBytes());
        node.put("readsFromMemory", readsFromMemory(measurement.context()));
        ArrayNode layers = node.putArray("attentionAlone");
        measurement.layers().forEach(cost -> put(layers.addObject(), cost));
        put(node.putObject("prefillParts"), measurement.prefill());
        put(node.putObject("decodeParts"), measurement.decode());
        if (measurement.whole() != null) {
            ObjectNode whole = node.putObject("extrapolated").put("layers", measurement.whole().layers());
            put(whole.putObject("prefillMillis"), measurement.whole().prefillMillis());
            put(whole.putObject("decodeMillis"), measurement.whole().decodeMillis());
            whole.put("kvCacheBytes", measurement.whole().kvCacheBytes());
        }
    }

    private void put(ObjectNode node, LayerCost cost) {
        node.put("clusters", cost.clusters()).put("layers", cost.layers());
        put(node.putObject("prefillMillis"), cost.prefillMillis());
        put(node.putObject("decodeMillis"), cost.decodeMillis());
        node.put("prefillGflops", cost.prefillGflops())
                .put("prefillShareOfPeak", cost.prefillGflops() / result.peaks().gflops().median())
                .put("decodeBytes", cost.decodeBytes()).put("decodeGigabytesPerSecond", cost.decodeGigabytes())
                .put("decodeShareOfPeak", cost.decodeGigabytes() / result.peaks().readGigabytes().median());
    }

    private static void put(ObjectNode node, StepParts parts) {
        node.put("attentionMillis", parts.attention()).put("projectionsMillis", parts.projections())
                .put("feedForwardMillis", parts.feedForward()).put("headMillis", parts.head())
                .put("otherMillis", parts.other());
        ObjectNode shares = node.putObject("shares");
        parts.shares().forEach(shares::put);
    }

    private static void put(ObjectNode node, Spread spread) {
        node.put("median", spread.median()).put("min", spread.min()).put("max", spread.max());
    }
}
