// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import io.github.chaijlama.calibrate.Calibration;
import io.github.chaijlama.calibrate.CalibrationOptions;
import io.github.chaijlama.calibrate.MembershipChoice;
import io.github.chaijlama.calibrate.QualityBudget.Measure;
import io.github.chaijlama.calibrate.QualityLoss;
import io.github.chaijlama.calibrate.QualityPoint;
import io.github.chaijlama.calibrate.SearchResult;
import io.github.chaijlama.evaluate.AnswerLoss;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.report.Block;
import io.github.chaijlama.report.Entry;
import io.github.chaijlama.report.Report;
import io.github.chaijlama.report.Section;
import io.github.chaijlama.report.Series;
import io.github.chaijlama.report.Table;

/**
 * A calibration as a page. What was not measured has no section.
 *
 * @param calibration what was found
 * @param facts       about the model and this machine
 * @param texts       name of the texts
 */
record CalibrationPage(Calibration calibration, PageFacts facts, String texts) {

    Report report() {
        List<Section> sections = new ArrayList<>(List.of(facts.result(keyFigures(), remarks())));
        sections.addAll(LayerSections.of(CalibratedLayer.all(calibration)));
        calibration.search().ifPresent(search -> {
            if (!search.path().isEmpty()) {
                sections.add(path(search));
            }
            if (search.budget().measure() == Measure.ACCURACY_DROP) {
                sections.add(new Section("Choices compared", "", List.of(accuracies(search))));
            }
        });
        sections.add(facts.settings(settings()));
        String subtitle = calibration.samples() + " samples of " + texts + ", " + calibration.heldOut()
                + " other texts to measure on, seed " + calibration.options().seed();
        return new Report("Calibration of head clusters", subtitle, sections);
    }

    private List<Entry> keyFigures() {
        QualityLoss loss = calibration.loss();
        Estimate increase = TradeOff.increase(loss);
        int heads = calibration.profile().model().heads();
        long clustered = calibration.profile().clusters().stream().filter(count -> count < heads).count();
        List<Entry> figures = new ArrayList<>(List.of(
                new Entry("K and V bytes saved", Wording.format("%.1f %%", 100 * loss.kvSaving())),
                new Entry("Scores saved", Wording.format("%.1f %%", 100 * loss.scoreSaving())),
                new Entry(Wording.format("Perplexity (± %.2f)", 100 * increase.standardError()),
                        Wording.format("%+.2f %%", 100 * increase.value())),
                new Entry("Mean KL, nats per token", Wording.format("%.5f", loss.divergence().value())),
                new Entry("Same most likely token", Wording.format("%.2f %%", 100 * loss.agreement())),
                new Entry("Layers with clusters", clustered + " of " + calibration.layers().size())));
        if (!loss.answers().isEmpty()) {
            figures.add(new Entry("Answers broken", loss.brokenAnswers() + " of "
                    + loss.answers().stream().mapToInt(AnswerLoss::answers).sum()));
        }
        loss.accuracyDrop().ifPresent(drop -> figures.add(
                new Entry(Wording.format("Accuracy lost, points (± %.2f)", 100 * drop.standardError()),
                        Wording.format("%.2f", 100 * drop.value()))));
        return figures;
    }

    private List<String> remarks() {
        List<String> remarks = new ArrayList<>();
        remarks.add("The figures are of " + calibration.heldOut() + " held-out texts with an exact perplexity of "
                + Wording.format("%.4f", calibration.exactPerplexity()) + (calibration.search().isEmpty()
                        ? "; nothing was chosen on them."
                        : "; they decided only whether to accept what the search had found on others."));
        calibration.search().ifPresent(search -> {
            remarks.add("The search took " + search.measurements() + " measurements and ended because "
                    + search.stopped() + ".");
            if (!search.found().clusters().equals(search.verified().clusters())) {
                remarks.add(Wording.format("It had found a saving of %.1f %%, which is not inside the bound on the "
                        + "held-out texts; an earlier step is.", 100 * search.found().saving()));
            }
        });
        remarks.add(
                "K and V bytes are memory; scores, with the queries they need, are time, which long contexts feel.");
        GroupedQueries.remark(calibration.profile().model())
                .ifPresent(remark -> remarks.add("With grouped queries: " + remark + "."));
        calibration.loss().answers().forEach(
                answers -> remarks.add("Answers looked at one by one: " + Wording.answers(answers) + "."));
        if (!(calibration.profile().membership() instanceof Membership.Static)) {
            remarks.add("Each sequence finds its own clusters. The clusters shown are those of the similarities "
                    + "averaged over the samples.");
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
                    + Wording.format("%.4g %%", 100 * options.maxResidual()) + " unexplained"));
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

    private static Section path(SearchResult search) {
        List<TradeOff> path = tradeOffs(search.path(), search.verified());
        List<Block> blocks = new ArrayList<>(TradeOff.charts(path, Series.Style.LINE));
        blocks.add(TradeOff.table("The steps of the search", path));
        if (!search.beyond().isEmpty()) {
            List<TradeOff> beyond = tradeOffs(search.beyond(), search.verified());
            blocks.addAll(TradeOff.chartsBeyond(path, beyond));
            blocks.add(TradeOff.table("Beyond the budget", beyond));
        }
        return new Section("Quality against saving",
                "The counts that the search tried, measured on the held-out texts that steered it.", blocks);
    }

    private static List<TradeOff> tradeOffs(List<QualityPoint> points, QualityPoint chosen) {
        // Exchanges may come by the same counts again; one ring is enough.
        int last = IntStream.range(0, points.size())
                .filter(i -> points.get(i).clusters().equals(chosen.clusters())).max().orElse(-1);
        return IntStream.range(0, points.size()).mapToObj(i -> TradeOff.of(points.get(i).loss(), i == last)).toList();
    }

    /** A budget of accuracy has its own steps to show. */
    private static Table accuracies(SearchResult search) {
        List<List<String>> rows = new ArrayList<>();
        for (QualityPoint point : search.path()) {
            rows.add(List.of(Integer.toString(rows.size() + 1), Wording.format("%.1f", 100 * point.saving()),
                    point.loss().accuracyDrop().map(drop -> Wording.percent(drop, 2)).orElse("")));
        }
        return Table.ofNumbers("Accuracy of the steps of the search",
                List.of("Step", "K and V bytes saved (%)", "Accuracy lost (points)"), rows);
    }
}
