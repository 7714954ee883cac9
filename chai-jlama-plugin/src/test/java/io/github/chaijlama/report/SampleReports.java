// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

import io.github.chaijlama.report.CalibrationReport.Layer;
import io.github.chaijlama.report.CalibrationReport.Sensitivity;
import io.github.chaijlama.report.EvaluationReport.Arm;
import io.github.chaijlama.report.EvaluationReport.TaskKind;
import io.github.chaijlama.report.EvaluationReport.TaskScore;

/** Reports with made-up numbers of the usual shapes. */
final class SampleReports {
    private static final List<Entry> VERSIONS = List.of(new Entry("chai", "0.1.0"), new Entry("Jlama", "0.8.4"),
            new Entry("Java", "25.0.3"), new Entry("Processor", "2 cores, 512-bit vectors"));

    private SampleReports() {}

    /** Returns a calibration of so many layers, of which the later ones have fewer clusters. */
    static CalibrationReport calibration(String modelName, int layers, int heads) {
        Random random = new Random(17);
        List<Layer> found = IntStream.range(0, layers).mapToObj(layer -> layer(random, layer, layers, heads)).toList();
        return new CalibrationReport("32 samples of at most 512 tokens, seed 42",
                List.of(new Entry("K and V bytes saved", "21.4 %"), new Entry("Higher perplexity", "0.83 % ± 0.21"),
                        new Entry("Mean KL, nats per token", "0.0041"),
                        new Entry("Layers with clusters", layers - 1 + " of " + layers)),
                List.of("The search ended because every further cluster that was taken away broke the bound of 1 % "
                        + "higher perplexity."),
                List.of(new Entry("Name", modelName), new Entry("Type", "llama"),
                        new Entry("Shape", layers + " layers, " + heads + " heads of 64"),
                        new Entry("Fingerprint", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")),
                List.of(new Entry("Texts", "calibration.jsonl"), new Entry("Samples", "32"),
                        new Entry("Tokens per sample", "at most 512"), new Entry("Seed", "42"),
                        new Entry("Budget", "perplexity at most 1 % higher"),
                        new Entry("Membership", "ONLINE, window 5, AGGLOMERATIVE, FIRST")),
                found, search(random), beyond(), List.of(comparison()), VERSIONS);
    }

    private static Layer layer(Random random, int index, int layers, int heads) {
        int clusters = index == 0 ? heads : Math.max(2, heads - index * heads / (layers + 1) - random.nextInt(2));
        List<Integer> member = IntStream.range(0, heads).map(h -> h < clusters ? h : random.nextInt(clusters)).boxed()
                .toList();
        List<List<Double>> similarity = new ArrayList<>();
        for (int row = 0; row < heads; row++) {
            List<Double> values = new ArrayList<>();
            for (int column = 0; column < heads; column++) {
                boolean together = member.get(row).equals(member.get(column));
                values.add(row == column ? 1
                        : column < row ? similarity.get(column).get(row)
                                : together ? 0.8 + 0.18 * random.nextDouble() : 0.15 + 0.5 * random.nextDouble());
            }
            similarity.add(values);
        }
        double bend = 0.4 + 0.5 * index / layers;
        List<Double> error = IntStream.rangeClosed(1, heads)
                .mapToObj(k -> 37 * Math.pow(1 - (k - 1) / (double) Math.max(1, heads - 1), 1 + 4 * bend)).toList();
        List<Sensitivity> sensitivity = IntStream.rangeClosed(1, heads)
                .filter(k -> k == heads || k % Math.max(1, heads / 8) == 0)
                .mapToObj(k -> new Sensitivity(k, (heads - k) * 0.2 / heads * Math.exp(-0.8 * Math.min(index, 8))))
                .toList();
        return new Layer(error, Math.max(1, heads / 2), clusters, index > 0, similarity, member, sensitivity);
    }

    private static List<TradeOff> search(Random random) {
        return IntStream.rangeClosed(0, 14).mapToObj(step -> {
            double saving = 0.024 * step;
            return new TradeOff("", saving, 0.0004 * Math.expm1(step / 3.0) * (1 + 0.1 * random.nextDouble()),
                    0.0004 + 0.0001 * step, 0.0002 * Math.expm1(step / 2.8), step == 9);
        }).toList();
    }

    private static List<TradeOff> beyond() {
        return IntStream.rangeClosed(15, 18).mapToObj(step -> new TradeOff("", 0.024 * step,
                0.0004 * Math.expm1(step / 2.0), 0.003, 0.0002 * Math.expm1(step / 1.9), false)).toList();
    }

    private static Table comparison() {
        return Table.ofNumbers("Choices at the same counts",
                List.of("Membership", "Perplexity increase (%)", "KL (nats per token)"),
                List.of(List.of("ONLINE, window 5", "0.83", "0.0041"), List.of("ONLINE, window 48", "0.31", "0.0019"),
                        List.of("STATIC", "0.17", "0.0012"), List.of("random clusters", "14.20", "0.2210")));
    }

    /** Returns an evaluation of exact attention against four other arms. */
    static EvaluationReport evaluation(String modelName) {
        List<String> names = List.of("exact F32", "clustered F32", "clustered BF16", "clustered Q8", "random clusters");
        List<Arm> arms = List.of(
                new Arm(names.get(0), new Estimate(12.417, 0.061), Estimate.of(0), Estimate.of(1), 1),
                new Arm(names.get(1), new Estimate(12.519, 0.062), new Estimate(0.00412, 0.00021),
                        new Estimate(0.971, 0.0012), 0.786),
                new Arm(names.get(2), new Estimate(12.521, 0.062), new Estimate(0.00415, 0.00021),
                        new Estimate(0.9708, 0.0012), 0.393),
                new Arm(names.get(3), new Estimate(12.53, 0.062), new Estimate(0.0044, 0.0002),
                        new Estimate(0.9695, 0.0012), 0.209),
                new Arm(names.get(4), new Estimate(18.3, 0.1), new Estimate(0.31, 0.004), new Estimate(0.71, 0.004),
                        0.786));
        Random random = new Random(5);
        List<TaskKind> tasks = List.of("recall", "arithmetic", "sentiment", "ARC-Challenge, by length").stream()
                .map(kind -> new TaskKind(kind, 500, names.stream().map(name -> {
                    boolean first = name.equals(names.getFirst());
                    double loss = name.startsWith("random") ? 0.2 : 0.006 * random.nextGaussian();
                    return new TaskScore(name, new Estimate(0.72 - loss, 0.02),
                            first ? Estimate.NONE : new Estimate(-loss, 0.004 + 0.003 * random.nextDouble()));
                }).toList())).toList();
        List<TradeOff> curve = IntStream.range(1, 4)
                .mapToObj(i -> new TradeOff(names.get(i), 1 - arms.get(i).kvBytes(),
                        arms.get(i).perplexity().value() / 12.417 - 1, 0.002, arms.get(i).kl().value(), i == 1))
                .toList();
        return new EvaluationReport("2,000 tasks and 120,000 tokens of text, nothing was chosen on them",
                List.of(new Entry("K and V bytes saved", "21.4 %"), new Entry("Higher perplexity", "0.82 % ± 0.20"),
                        new Entry("Change in accuracy, points", "-0.1 ± 0.3"),
                        new Entry("Same most likely token", "97.1 %")),
                List.of(), List.of(new Entry("Name", modelName), new Entry("Type", "llama")),
                List.of(new Entry("Texts", "evaluation.jsonl"), new Entry("Tasks", "tasks.jsonl")), arms, tasks, curve,
                VERSIONS);
    }
}
