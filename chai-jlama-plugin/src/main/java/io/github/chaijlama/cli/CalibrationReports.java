// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.calibrate.Calibration;
import io.github.chaijlama.calibrate.CalibrationOptions;
import io.github.chaijlama.calibrate.LayerRedundancy;
import io.github.chaijlama.calibrate.MembershipChoice;
import io.github.chaijlama.calibrate.QualityBudget.Measure;
import io.github.chaijlama.calibrate.QualityLoss;
import io.github.chaijlama.calibrate.QualityPoint;
import io.github.chaijlama.calibrate.SearchResult;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.report.CalibrationReport;
import io.github.chaijlama.report.CalibrationReport.Layer;
import io.github.chaijlama.report.CalibrationReport.Sensitivity;
import io.github.chaijlama.report.Entry;
import io.github.chaijlama.report.Numbers;
import io.github.chaijlama.report.Report;
import io.github.chaijlama.report.Table;
import io.github.chaijlama.report.TradeOff;

/**
 * A calibration as a report.
 *
 * @param calibration what was found
 * @param model       the model, still loaded
 * @param directory   where it was loaded from
 * @param texts       name of the texts
 */
record CalibrationReports(Calibration calibration, ChaiModel model, Path directory, String texts) {

    Report report() {
        Optional<SearchResult> search = calibration.search();
        String subtitle = calibration.samples() + " samples of " + texts + ", " + calibration.heldOut()
                + " other texts to measure on, seed " + calibration.options().seed();
        return new CalibrationReport(subtitle, keyFigures(), remarks(), ReportFacts.model(model, directory), settings(),
                layers(), search.map(found -> tradeOffs(found.path(), found.verified())).orElse(List.of()),
                search.map(found -> tradeOffs(found.beyond(), found.verified())).orElse(List.of()), comparison(),
                ReportFacts.versions(model)).report();
    }

    private List<Entry> keyFigures() {
        QualityLoss loss = calibration.loss();
        int heads = calibration.profile().model().heads();
        long clustered = calibration.profile().clusters().stream().filter(count -> count < heads).count();
        List<Entry> figures = new ArrayList<>(List.of(
                new Entry("K and V bytes saved", ReportFacts.format("%.1f %%", 100 * loss.kvSaving())),
                new Entry(ReportFacts.format("Perplexity (± %.2f)", 100 * increaseError(loss)),
                        ReportFacts.format("%+.2f %%", 100 * loss.perplexityIncrease())),
                new Entry("Mean KL, nats per token", ReportFacts.format("%.5f", loss.divergence().value())),
                new Entry("Same most likely token", ReportFacts.format("%.2f %%", 100 * loss.agreement())),
                new Entry("Layers with clusters", clustered + " of " + calibration.layers().size())));
        loss.accuracyDrop().ifPresent(drop -> figures.add(
                new Entry(ReportFacts.format("Accuracy lost, points (± %.2f)", 100 * drop.standardError()),
                        ReportFacts.format("%.2f", 100 * drop.value()))));
        return figures;
    }

    private List<String> remarks() {
        List<String> remarks = new ArrayList<>();
        remarks.add("The figures are of " + calibration.heldOut() + " held-out texts with an exact perplexity of "
                + ReportFacts.format("%.4f", calibration.exactPerplexity()) + (calibration.search().isEmpty()
                        ? "; nothing was chosen on them."
                        : "; they decided only whether to accept what the search had found on others."));
        calibration.search().ifPresent(search -> {
            remarks.add("The search took " + search.measurements() + " measurements and ended because "
                    + search.stopped() + ".");
            if (!search.found().clusters().equals(search.verified().clusters())) {
                remarks.add(ReportFacts.format(
                        "It had found a saving of %.1f %%, which is not inside the bound on the held-out texts; an "
                                + "earlier "
                                + "step is.",
                        100 * search.found().saving()));
            }
        });
        if (!(calibration.profile().membership() instanceof Membership.Static)) {
            remarks.add(
                    "Each sequence finds its own clusters. The clusters shown are those of the similarities averaged "
                            + "over "
                            + "the samples.");
        }
        return remarks;
    }

    private List<Entry> settings() {
        CalibrationOptions options = calibration.options();
        List<Entry> settings = new ArrayList<>(List.of(new Entry("Texts", texts),
                new Entry("Samples", calibration.samples() + " texts, " + calibration.tokens() + " tokens"),
                new Entry("Held out", calibration.heldOut() + " texts"),
                new Entry("Seed", Long.toString(options.seed())),
                new Entry("Membership", membership(options.membership()))));
        if (options.budget().isEmpty()) {
            settings.add(new Entry("Budget", "none: the elbows, where they leave at most "
                    + ReportFacts.format("%.4g %%", 100 * options.maxResidual()) + " unexplained"));
        } else {
            settings.add(new Entry("Budget", options.budget().get().toString()));
            settings.add(new Entry("Measurements", "at most " + options.maxMeasurements()));
        }
        return settings;
    }

    private static String membership(MembershipChoice choice) {
        return choice.kind() + (choice.kind() == MembershipChoice.Kind.ONLINE
                ? ", window " + choice.window() + ", offset " + choice.offset()
                : "")
                + ", " + choice.algorithm() + ", " + choice.representative();
    }

    private List<Layer> layers() {
        List<Layer> layers = new ArrayList<>();
        for (int index = 0; index < calibration.layers().size(); index++) {
            LayerRedundancy found = calibration.layers().get(index);
            List<Double> errors = found.curve().errors();
            layers.add(new Layer(errors, found.elbow(), calibration.profile().clusters().get(index),
                    found.clusters() < errors.size(), found.similarity(), Numbers.list(members(index, found)),
                    sensitivity(index)));
        }
        return layers;
    }

    /** Returns the profile's members, or where every sequence has its own those of the averaged similarities. */
    private int[] members(int layer, LayerRedundancy found) {
        if (calibration.profile().membership() instanceof Membership.Static decided) {
            return decided.layers().get(layer).members();
        }
        double[] similarities = found.similarity().stream()
                .flatMapToDouble(row -> row.stream().mapToDouble(Double::doubleValue)).toArray();
        return ClusteringAlgorithm.AGGLOMERATIVE.cluster(HeadGram.of(found.similarity().size(), similarities),
                calibration.profile().clusters().get(layer), RepresentativeChoice.FIRST).members();
    }

    private List<Sensitivity> sensitivity(int layer) {
        return calibration.search().stream().flatMap(search -> search.sensitivities().stream())
                .filter(cost -> cost.layer() == layer)
                .map(cost -> new Sensitivity(cost.clusters(), cost.loss().divergence().value())).toList();
    }

    private static List<TradeOff> tradeOffs(List<QualityPoint> points, QualityPoint chosen) {
        // Exchanges may come by the same counts again; one ring is enough.
        int last = IntStream.range(0, points.size())
                .filter(i -> points.get(i).clusters().equals(chosen.clusters())).max().orElse(-1);
        return IntStream.range(0, points.size()).mapToObj(i -> tradeOff(points.get(i).loss(), i == last)).toList();
    }

    private static TradeOff tradeOff(QualityLoss loss, boolean chosen) {
        return new TradeOff("", loss.kvSaving(), loss.perplexityIncrease(), increaseError(loss),
                loss.divergence().value(), chosen);
    }

    private static double increaseError(QualityLoss loss) {
        return loss.logLossDifference().expm1().standardError();
    }

    /** A budget of accuracy has its own steps to show. */
    private List<Table> comparison() {
        Optional<SearchResult> search = calibration.search()
                .filter(found -> found.budget().measure() == Measure.ACCURACY_DROP);
        if (search.isEmpty()) {
            return List.of();
        }
        List<List<String>> rows = new ArrayList<>();
        for (QualityPoint point : search.get().path()) {
            rows.add(List.of(Integer.toString(rows.size() + 1), ReportFacts.format("%.1f", 100 * point.saving()),
                    ReportFacts.percent(point.loss().accuracyDrop().orElseThrow(), 2)));
        }
        return List.of(Table.ofNumbers("Accuracy of the steps of the search",
                List.of("Step", "K and V bytes saved (%)", "Accuracy lost (points)"), rows));
    }
}
