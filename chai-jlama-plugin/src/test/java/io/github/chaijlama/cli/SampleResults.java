// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.IntStream;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.bench.ArmKind;
import io.github.chaijlama.bench.BenchArm;
import io.github.chaijlama.bench.Benchmark;
import io.github.chaijlama.bench.LayerCost;
import io.github.chaijlama.bench.MachinePeaks;
import io.github.chaijlama.bench.Measurement;
import io.github.chaijlama.bench.ProductCost;
import io.github.chaijlama.bench.Spread;
import io.github.chaijlama.bench.StepParts;
import io.github.chaijlama.bench.WholeModel;
import io.github.chaijlama.calibrate.Calibration;
import io.github.chaijlama.calibrate.CalibrationOptions;
import io.github.chaijlama.calibrate.ClusterCounts;
import io.github.chaijlama.calibrate.HeadDistance;
import io.github.chaijlama.calibrate.LayerRedundancy;
import io.github.chaijlama.calibrate.LayerSensitivity;
import io.github.chaijlama.calibrate.MembershipChoice;
import io.github.chaijlama.calibrate.QualityBudget;
import io.github.chaijlama.calibrate.QualityLoss;
import io.github.chaijlama.calibrate.QualityPoint;
import io.github.chaijlama.calibrate.SearchResult;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.ErrorCurve;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.evaluate.Arm;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.TaskEvaluation;
import io.github.chaijlama.evaluate.TaskGroup;
import io.github.chaijlama.evaluate.TaskMeasures;
import io.github.chaijlama.evaluate.TaskResult;
import io.github.chaijlama.evaluate.TaskSet;
import io.github.chaijlama.evaluate.TextEvaluation;
import io.github.chaijlama.evaluate.TextResult;
import io.github.chaijlama.evaluate.TextSet;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;
import io.github.chaijlama.report.Entry;

/** Made-up results of the usual shapes. */
final class SampleResults {
    static final PageFacts FACTS = new PageFacts(
            List.of(new Entry("Name", "pocket"), new Entry("Shape", "llama with 6 layers, 8 heads"),
                    new Entry("Fingerprint", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")),
            List.of(new Entry("CHAI for Jlama", "0.1.0"), new Entry("Jlama", "0.8.4"), new Entry("Java", "25.0.3"),
                    new Entry("Machine", "2 cores, 512-bit vectors")));
    private static final ModelShape SHAPE = new ModelShape("llama", 3, 8, 8, 16);
    private static final ClusterProfile PROFILE = new ClusterProfile(SHAPE, List.of(8, 4, 4), Membership.defaults());
    private static final double UNKNOWN = Double.NaN;

    private SampleResults() {}

    // ---- calibration ----

    /** Returns a calibration of so many layers, of which the later ones have fewer clusters, found by a search. */
    static Calibration calibration(int layers, int heads) {
        Random random = new Random(17);
        List<Integer> counts = new ArrayList<>();
        List<HeadClusters> members = new ArrayList<>();
        List<LayerRedundancy> found = new ArrayList<>();
        List<LayerSensitivity> sensitivities = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            int clusters = layer == 0 ? heads
                    : Math.max(2, heads - layer * heads / (layers + 1) - random.nextInt(2));
            int[] member = IntStream.range(0, heads).map(h -> h < clusters ? h : random.nextInt(clusters)).toArray();
            counts.add(clusters);
            members.add(HeadClusters.of(member, IntStream.range(0, clusters).toArray()));
            found.add(layer(random, layer, layers, member));
            sensitivities.addAll(sensitivities(layer, heads));
        }
        SearchResult search = search(random, layers, sensitivities);
        ClusterProfile profile = new ClusterProfile(new ModelShape("llama", layers, heads, heads, 64), counts,
                new Membership.Static(members));
        return new Calibration(profile,
                options(Optional.of(new QualityBudget(QualityBudget.Measure.PERPLEXITY_INCREASE, 0.01))),
                32, 16_384, 64, found, 12.417, search.verified().loss(), Optional.of(search));
    }

    static CalibrationOptions options(Optional<QualityBudget> budget) {
        return new CalibrationOptions(new MembershipChoice(MembershipChoice.Kind.STATIC, 16, 0,
                ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST, HeadDistance.ATTENTION), 32, 64, 42,
                0.1, budget, 1000, true);
    }

    private static LayerRedundancy layer(Random random, int index, int layers, int[] member) {
        int heads = member.length;
        List<List<Double>> similarity = new ArrayList<>();
        for (int row = 0; row < heads; row++) {
            List<Double> values = new ArrayList<>();
            for (int column = 0; column < heads; column++) {
                values.add(row == column ? 1
                        : column < row ? similarity.get(column).get(row)
                                : member[row] == member[column] ? 0.8 + 0.18 * random.nextDouble()
                                        : 0.15 + 0.5 * random.nextDouble());
            }
            similarity.add(values);
        }
        double bend = 0.4 + 0.5 * index / layers;
        List<Double> error = IntStream.rangeClosed(1, heads)
                .mapToObj(k -> 37 * Math.pow(1 - (k - 1) / (double) Math.max(1, heads - 1), 1 + 4 * bend)).toList();
        return new LayerRedundancy(new ErrorCurve(error, 50), similarity, 0.5, Math.max(1, heads / 2), 0.1,
                index > 0 ? Math.max(1, heads - 1) : heads);
    }

    private static List<LayerSensitivity> sensitivities(int layer, int heads) {
        return IntStream.rangeClosed(1, heads).filter(k -> k == heads || k % Math.max(1, heads / 8) == 0)
                .mapToObj(k -> new LayerSensitivity(layer, k,
                        loss(0, 0, 0, (heads - k) * 0.2 / heads * Math.exp(-0.8 * Math.min(layer, 8)))))
                .toList();
    }

    private static SearchResult search(Random random, int layers, List<LayerSensitivity> sensitivities) {
        List<QualityPoint> path = IntStream.rangeClosed(0, 14)
                .mapToObj(step -> new QualityPoint(new ClusterCounts(Collections.nCopies(layers, 100 - step)),
                        loss(0.024 * step,
                                0.0004 * Math.expm1(step / 3.0) * (1 + 0.1 * random.nextDouble()),
                                0.0004 + 0.0001 * step,
                                0.0002 * Math.expm1(step / 2.8))))
                .toList();
        List<QualityPoint> beyond = IntStream.rangeClosed(15, 18)
                .mapToObj(step -> new QualityPoint(new ClusterCounts(Collections.nCopies(layers, 100 - step)),
                        loss(0.024 * step, 0.0004 * Math.expm1(step / 2.0), 0.003, 0.0002 * Math.expm1(step / 1.9))))
                .toList();
        return new SearchResult(new QualityBudget(QualityBudget.Measure.PERPLEXITY_INCREASE, 0.01), sensitivities, path,
                beyond, path.getLast(), path.get(9), 120,
                "every further cluster that was taken away broke the bound");
    }

    /**
     * Returns a loss.
     *
     * @param increase of perplexity
     * @param error    standard error of the difference in log loss
     */
    static QualityLoss loss(double saving, double increase, double error, double kl) {
        return new QualityLoss(new Estimate(kl, kl / 20), new Estimate(Math.log1p(increase), error), Optional.empty(),
                0.97,
                saving);
    }

    // ---- evaluation ----

    /** Returns an evaluation of exact attention against four other arms, of texts and of four kinds of tasks. */
    static EvaluateCommand.Evaluated evaluated() {
        TextResult exact = text(Arm.EXACT, 12.417, new Estimate(0, 0), 0, 1, 1);
        List<TextResult> texts = List.of(text(arm("clustered", KvType.F32), 12.519, estimate(0.00412), 0.0082, 0.971,
                0.786), text(arm("clustered BF16", KvType.BF16), 12.521, estimate(0.00415), 0.0084, 0.9708, 0.393),
                text(arm("clustered I8", KvType.I8), 12.53, estimate(0.0044), 0.0091, 0.9695, 0.209),
                text(arm("random clusters", KvType.F32), 18.3, estimate(0.31), 0.47, 0.71, 0.786));
        Random random = new Random(5);
        TaskResult exactTasks = tasks(Arm.EXACT, random, 1);
        List<TaskResult> tasks = texts.stream().map(result -> tasks(result.arm(), random, result.kvCacheRelative()))
                .toList();
        return evaluated(
                Optional.of(new EvaluateCommand.Texts(new TextSet("texts.jsonl", List.of(), List.of(), 0, 0, true),
                        new TextEvaluation(240, 120_000, exact, texts))),
                Optional.of(new EvaluateCommand.Tasks(new TaskSet("tasks.jsonl", List.of(), 0, 0, true),
                        new TaskEvaluation(2000, exactTasks, tasks))));
    }

    static EvaluateCommand.Evaluated evaluated(Optional<EvaluateCommand.Texts> texts,
            Optional<EvaluateCommand.Tasks> tasks) {
        return new EvaluateCommand.Evaluated(SHAPE, ChaiOptions.exact(), texts, tasks);
    }

    private static Arm arm(String name, KvType type) {
        return new Arm(name, Optional.of(PROFILE), type);
    }

    private static Estimate estimate(double value) {
        return new Estimate(value, value / 20);
    }

    private static TextResult text(Arm arm, double perplexity, Estimate kl, double increase, double agreement,
            double kvBytes) {
        return new TextResult(arm, estimate(Math.log(perplexity)), new Estimate(perplexity, 0.06),
                new Estimate(Math.log1p(increase), 0.002), new Estimate(increase, 0.002), kl,
                new Estimate(agreement, 0.0012), 1000, kvBytes, 0);
    }

    private static TaskResult tasks(Arm arm, Random random, double kvBytes) {
        List<TaskGroup> kinds = List.of("ARC-Challenge, by length", "arithmetic", "recall", "sentiment").stream()
                .map(kind -> group(kind, 500, arm.name().startsWith("random") ? 0.2 : 0.006 * random.nextGaussian(),
                        0.004 + 0.003 * random.nextDouble()))
                .toList();
        return new TaskResult(arm, group("all", 2000, 0.005, 0.002), kinds, 1000, kvBytes, 0);
    }

    /** Returns tasks of which this share more were wrong than with exact attention. */
    static TaskGroup group(String kind, int tasks, double lost, double error) {
        Estimate accuracy = new Estimate(0.72 - lost, 0.02);
        Estimate difference = new Estimate(-lost, error);
        Estimate loss = new Estimate(1, UNKNOWN);
        return new TaskGroup(kind, tasks, new TaskMeasures(accuracy, accuracy, accuracy, loss),
                new TaskMeasures(difference, difference, difference, loss));
    }

    // ---- benchmark ----

    private static final List<Integer> CONTEXTS = List.of(128, 512, 2048);

    /** Returns a benchmark of seven arms at three contexts, with a difference below nothing for the first. */
    static Benchmarked benchmarked(String name) {
        List<BenchArm> arms = BenchArm.of(List.of(ArmKind.STOCK, ArmKind.EXACT, ArmKind.CLUSTERED),
                List.of(KvType.values()));
        List<Measurement> measurements = new ArrayList<>();
        for (int context : CONTEXTS) {
            for (BenchArm arm : arms) {
                measurements.add(measurement(arm, context));
            }
        }
        return benchmarked(name, measurements, List.of());
    }

    static Benchmarked benchmarked(String name, List<Measurement> measurements, List<String> leftOut) {
        return new Benchmarked(name, SHAPE, "F32", ChaiOptions.exact(), Optional.of(PROFILE),
                new Benchmark.Result(measurements,
                        leftOut,
                        new MachinePeaks(new Spread(150, 143, 169), new Spread(30, 24, 32), 256L << 20,
                                OptionalLong.of(24L << 20)),
                        List.of("stock: 8-bit activations")));
    }

    private static Measurement measurement(BenchArm arm, int context) {
        double slowness = switch (arm.attention()) {
            case STOCK -> 20;
            case EXACT -> 1;
            case CLUSTERED -> 0.6;
        } * (1 - 0.15 * arm.kv().ordinal());
        double prefill = slowness * 1.6e-4 * context * context + (arm.attention() == AttentionMode.STOCK ? -60 : 1);
        double decode = slowness * 0.002 * context + 0.15;
        long bytes = 32_768L * context / (1 << arm.kv().ordinal());
        StepParts parts = new StepParts(0.1 * prefill, 40, 50, 9, 1);
        List<Integer> counts = arm.attention() == AttentionMode.CLUSTERED ? List.of(8, 4) : List.of(8);
        List<LayerCost> layers = counts.stream().map(clusters -> new LayerCost(clusters, clusters / 4,
                spread(prefill), spread(decode), 8192.0 * context * context, bytes)).toList();
        return new Measurement(arm, context, 3, spread(9 * context + prefill), spread(65 + decode), spread(prefill),
                spread(decode), bytes, layers,
                new ProductCost(spread(9 * context), spread(110), spread(60), spread(24), 1.44e9), parts, parts,
                Optional.of(new WholeModel(32, spread(80 * context + prefill), spread(650 + decode), 10 * bytes)));
    }

    private static Spread spread(double median) {
        return new Spread(median, median - 0.06 * Math.abs(median), median + 0.3 * Math.abs(median));
    }
}
