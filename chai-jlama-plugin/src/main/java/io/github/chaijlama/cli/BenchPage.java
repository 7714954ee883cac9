// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

import io.github.chaijlama.bench.Benchmark;
import io.github.chaijlama.bench.LayerCost;
import io.github.chaijlama.bench.MachinePeaks;
import io.github.chaijlama.bench.Measurement;
import io.github.chaijlama.bench.ProductCost;
import io.github.chaijlama.bench.Spread;
import io.github.chaijlama.bench.StepParts;
import io.github.chaijlama.bench.StockComparison;
import io.github.chaijlama.report.Block;
import io.github.chaijlama.report.Entry;
import io.github.chaijlama.report.Note;
import io.github.chaijlama.report.Numbers;
import io.github.chaijlama.report.Report;
import io.github.chaijlama.report.Section;
import io.github.chaijlama.report.Table;
import io.github.chaijlama.report.Table.Alignment;

/** A benchmark as a page. What was not measured has no section. */
final class BenchPage {
    /** Headers of columns that name a row. */
    private static final Set<String> WORDS = Set.of("Tokens", "Arm", "Step");

    private final Benchmarked benchmarked;
    private final Benchmark.Result result;

    private BenchPage(Benchmarked benchmarked) {
        this.benchmarked = benchmarked;
        this.result = benchmarked.result();
    }

    static Report of(Benchmarked benchmarked) {
        return new BenchPage(benchmarked).report();
    }

    private Report report() {
        PageFacts facts = new PageFacts(
                List.of(new Entry("Name", benchmarked.name()), new Entry("Shape", benchmarked.shape().toString()),
                        new Entry("Weights", benchmarked.weights())),
                PageFacts.versions(List.of(), benchmarked.options().threads()));
        List<Section> sections = new ArrayList<>(List.of(facts.result(keyFigures(), remarks())));
        if (!result.measurements().isEmpty()) {
            sections.add(wholeSteps());
            result.measurements().stream().flatMap(measurement -> measurement.whole().stream()).findFirst()
                    .ifPresent(whole -> sections.add(extrapolated(whole.layers())));
            sections.add(products());
            sections.add(attention());
            sections.add(parts());
        }
        sections.add(facts.settings(settings()));
        return new Report("Benchmark of attention",
                benchmarked.name() + "; medians, with the smallest and the largest run", sections);
    }

    /** The longest context is what a reader wants to know most. */
    private List<Entry> keyFigures() {
        int longest = result.measurements().stream().mapToInt(Measurement::context).max().orElse(0);
        return result.measurements().stream().filter(measurement -> measurement.context() == longest)
                .map(measurement -> new Entry(measurement.arm().label() + ", a token after " + longest + " tokens",
                        Numbers.significant(measurement.decodeMillis().median()) + " ms"))
                .toList();
    }

    private List<String> remarks() {
        List<String> remarks = new ArrayList<>(result.notes());
        if (!result.leftOut().isEmpty()) {
            remarks.add("Left out, because the time of --max-seconds was over: " + String.join("; ", result.leftOut())
                    + ".");
        }
        return remarks;
    }

    private Section wholeSteps() {
        BenchCharts charts = new BenchCharts(result);
        List<Block> blocks = new ArrayList<>(List.of(charts.prefill(), charts.decode(),
                times("Whole steps", result.measurements(), Measurement::prefillMillis, Measurement::decodeMillis,
                        Measurement::kvCacheBytes)));
        List<StockComparison> comparisons = StockComparison.of(result.measurements());
        if (!comparisons.isEmpty()) {
            blocks.add(table("Times as fast as stock, the faster arm of it in each column",
                    List.of("Tokens", "Arm", "To first token", "Decode"),
                    comparisons.stream()
                            .map(comparison -> List.of(Integer.toString(comparison.context()),
                                    comparison.arm().label(), BenchText.format(comparison.prefill()),
                                    BenchText.format(comparison.decode())))
                            .toList()));
        }
        return new Section("Whole steps", "From the tokens to the logits of the next one.", blocks);
    }

    private Section products() {
        return new Section("Matrix products",
                "Projections, feed-forward network and head, all layers. " + BenchText.PRODUCTS,
                List.of(table("Matrix products",
                        List.of("Tokens", "Arm", "Prefill (ms)", "GFLOP/s", "Of peak", "Decode (ms a token)", "GB/s",
                                "Of peak"),
                        result.measurements().stream()
                                .map(measurement -> row(measurement, productCells(measurement.products()))).toList())));
    }

    private String[] productCells(ProductCost cost) {
        return new String[]{ BenchText.format(cost.prefillMillis()), BenchText.format(cost.prefillGflops()),
                Numbers.percent(benchmarked.prefillShareOfPeak(cost), 1), BenchText.formatFine(cost.decodeMillis()),
                BenchText.format(cost.decodeGigabytes()), Numbers.percent(benchmarked.decodeShareOfPeak(cost), 1) };
    }

    private Section extrapolated(int layers) {
        List<Measurement> measured = result.measurements().stream()
                .filter(measurement -> measurement.whole().isPresent()).toList();
        return new Section("All " + layers + " layers", "",
                List.of(new Note("Extrapolated, not measured: the time of the measured layers ("
                        + benchmarked.shape().layers() + "), by the layers there are (of as many clusters), and the "
                        + "rest of a step once."),
                        times("Extrapolated to " + layers + " layers", measured,
                                measurement -> measurement.whole().orElseThrow().prefillMillis(),
                                measurement -> measurement.whole().orElseThrow().decodeMillis(),
                                measurement -> measurement.whole().orElseThrow().kvCacheBytes())));
    }

    private static Table times(String caption, List<Measurement> measurements, Function<Measurement, Spread> prefill,
            Function<Measurement, Spread> decode, Function<Measurement, Long> bytes) {
        return table(caption,
                List.of("Tokens", "Arm", "Time to first token (ms)", "Decode (ms a token)", "K+V (MiB)", "Runs"),
                measurements.stream().map(measurement -> row(measurement,
                        BenchText.format(prefill.apply(measurement)), BenchText.format(decode.apply(measurement)),
                        BenchText.mebibytes(bytes.apply(measurement)), Integer.toString(measurement.runs())))
                        .toList());
    }

    private Section attention() {
        MachinePeaks peaks = result.peaks();
        List<List<String>> rows = new ArrayList<>();
        for (Measurement measurement : result.measurements()) {
            boolean memory = benchmarked.readsFromMemory(measurement.context());
            for (LayerCost cost : measurement.layers()) {
                rows.add(row(measurement, Integer.toString(cost.clusters()), BenchText.format(cost.prefillMillis()),
                        Numbers.fixed(cost.prefillGflops(), 2),
                        Numbers.percent(cost.prefillGflops() / peaks.gflops().median(), 1),
                        BenchText.formatFine(cost.decodeMillis()),
                        Numbers.fixed(cost.decodeGigabytes(), 2) + (memory ? "" : BenchText.NOT_FROM_MEMORY),
                        Numbers.percent(cost.decodeGigabytes() / peaks.readGigabytes().median(), 1)));
            }
        }
        Table table = table("Attention alone, a layer",
                List.of("Tokens", "Arm", "Clusters", "Prefill (ms)", "GFLOP/s", "Of peak", "Decode (ms a token)",
                        "GB/s", "Of peak"),
                rows);
        BenchCharts charts = new BenchCharts(result);
        return new Section("Attention alone",
                "Rotation, storing, scores, softmax, values and finding clusters, a layer, without the four matrix "
                        + "products. GFLOP/s counts 2 N (N+1) H d a layer, whatever the arm computes, GB/s the K and V "
                        + "that a token reads. Stock's products cannot be seen from outside: they are run once more "
                        + "beside each step and subtracted, which says little where attention is a small part.\n\n"
                        + BenchText.NOT_FROM_MEMORY + " The smallest arm's K+V at this context is not above "
                        + MachinePeaks.CACHES + " times the last-level cache: some of it may be read from there.",
                List.of(charts.prefillAttention(), charts.decodeAttention(), table));
    }

    private Section parts() {
        List<List<String>> rows = result.measurements().stream()
                .flatMap(measurement -> Stream.of(parts(measurement, "prefill", measurement.prefill()),
                        parts(measurement, "decode", measurement.decode())))
                .toList();
        List<String> headers = List.of("Tokens", "Arm", "Step", "Attention", "Projections", "Feed-forward", "Head",
                "Other");
        return new Section("Where the time goes",
                "Shares of a step: attention alone, its matrix products, feed-forward network, head, all else.",
                List.of(table("Shares of a step (%)", headers, rows)));
    }

    private static List<String> parts(Measurement measurement, String step, StepParts parts) {
        Map<String, Double> shares = parts.shares();
        return row(measurement, Stream.concat(Stream.of(step),
                shares.values().stream().map(share -> Numbers.fixed(100 * share, 1))).toArray(String[]::new));
    }

    private static List<String> row(Measurement measurement, String... cells) {
        List<String> row = new ArrayList<>(
                List.of(Integer.toString(measurement.context()), measurement.arm().label()));
        Collections.addAll(row, cells);
        return row;
    }

    private static Table table(String caption, List<String> headers, List<List<String>> rows) {
        return new Table(caption, headers, rows, headers.stream()
                .map(header -> WORDS.contains(header) ? Alignment.TEXT : Alignment.NUMBER).toList());
    }

    private List<Entry> settings() {
        MachinePeaks peaks = result.peaks();
        List<Entry> settings = new ArrayList<>(List.of(
                new Entry("Peak, multiply-add", BenchText.format(peaks.gflops()) + " GFLOP/s"),
                new Entry("Peak, reading", BenchText.format(peaks.readGigabytes()) + " GB/s, a buffer of "
                        + (peaks.bufferBytes() >> 20) + " MiB"),
                new Entry("Last-level cache", BenchText.lastLevelCache(peaks))));
        benchmarked.profile().ifPresent(profile -> settings.add(new Entry("Clusters",
                Wording.clusters(profile) + "; " + Wording.membership(profile.membership()))));
        return settings;
    }
}
