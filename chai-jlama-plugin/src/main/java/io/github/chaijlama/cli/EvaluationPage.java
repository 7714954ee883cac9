// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import io.github.chaijlama.evaluate.Arm;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.TaskEvaluation;
import io.github.chaijlama.evaluate.TaskResult;
import io.github.chaijlama.evaluate.TextEvaluation;
import io.github.chaijlama.evaluate.TextResult;
import io.github.chaijlama.report.Block;
import io.github.chaijlama.report.Entry;
import io.github.chaijlama.report.Numbers;
import io.github.chaijlama.report.Report;
import io.github.chaijlama.report.Section;
import io.github.chaijlama.report.Series;
import io.github.chaijlama.report.Table;

/** An evaluation as a page. What was not measured has no section. */
final class EvaluationPage {
    private final EvaluateCommand.Evaluated evaluated;
    private final PageFacts facts;
    private final Optional<TextEvaluation> texts;
    private final Optional<TaskEvaluation> tasks;

    /**
     * Creates a page.
     *
     * @param evaluated what was measured
     * @param facts     about the model and this machine
     */
    EvaluationPage(EvaluateCommand.Evaluated evaluated, PageFacts facts) {
        this.evaluated = evaluated;
        this.facts = facts;
        this.texts = evaluated.texts().map(EvaluateCommand.Texts::result);
        this.tasks = evaluated.tasks().map(EvaluateCommand.Tasks::result);
    }

    Report report() {
        List<Section> sections = new ArrayList<>(List.of(facts.result(keyFigures(), remarks())));
        texts.ifPresent(measured -> {
            sections.add(texts(measured));
            if (!measured.arms().isEmpty()) {
                sections.add(savings(withExact(measured.exact(), measured.arms())));
            }
        });
        tasks.ifPresent(measured -> sections.add(TaskSection.of(measured)));
        sections.add(facts.settings(settings()));
        return new Report("Evaluation of head clusters", subtitle(), sections);
    }

    private String subtitle() {
        List<String> parts = new ArrayList<>();
        texts.ifPresent(measured -> parts.add(measured.texts() + " texts, " + measured.predictedTokens()
                + " predicted tokens"));
        tasks.ifPresent(measured -> parts.add(measured.tasks() + " tasks"));
        return String.join("; ", parts);
    }

    /** The first of the arms is what most evaluations are about; the others are in the tables. */
    private List<Entry> keyFigures() {
        List<Entry> figures = new ArrayList<>();
        texts.flatMap(measured -> measured.arms().stream().findFirst()).ifPresent(first -> {
            figures.add(saved(first.kvCacheRelative()));
            figures.add(change("Perplexity", first.perplexityIncrease(), " %"));
            figures.add(new Entry("Mean KL, nats per token", Wording.format("%.5f", first.divergence().value())));
            figures.add(new Entry("Same most likely token",
                    Wording.format("%.2f %%", 100 * first.agreement().value())));
        });
        tasks.flatMap(measured -> measured.arms().stream().findFirst()).ifPresent(first -> {
            if (figures.isEmpty()) {
                figures.add(saved(first.kvCacheRelative()));
            }
            figures.add(change("Accuracy, points", first.overall().differences().accuracy(), ""));
        });
        return figures;
    }

    private static Entry change(String what, Estimate measured, String unit) {
        String error = Double.isFinite(measured.standardError())
                ? Wording.format(" (± %.2f)", 100 * measured.standardError())
                : "";
        return new Entry(what + error, Wording.format("%+.2f", 100 * measured.value()) + unit);
    }

    private static Entry saved(double kvCacheRelative) {
        return new Entry("K and V bytes saved", Wording.format("%.1f %%", 100 * (1 - kvCacheRelative)));
    }

    private List<String> remarks() {
        List<String> remarks = new ArrayList<>();
        List<Arm> arms = arms();
        if (arms.size() > 1) {
            remarks.add("The figures above are of " + arms.getFirst().name() + ".");
        }
        texts.ifPresent(measured -> measured.arms().stream().filter(arm -> arm.arm().profile().isPresent())
                .forEach(arm -> tooShort(remarks, arm.arm(), arm.textsWithoutClusters(), "texts")));
        tasks.ifPresent(measured -> measured.arms().stream().filter(arm -> arm.arm().profile().isPresent())
                .forEach(arm -> tooShort(remarks, arm.arm(), arm.tasksWithoutClusters(), "tasks")));
        return remarks;
    }

    private static void tooShort(List<String> remarks, Arm arm, int count, String what) {
        if (count > 0) {
            remarks.add(count + " " + what + " are too short for the clusters of " + arm.name()
                    + " to be decided: exact there.");
        }
    }

    private List<Arm> arms() {
        return texts.map(measured -> measured.arms().stream().map(TextResult::arm).toList())
                .or(() -> tasks.map(measured -> measured.arms().stream().map(TaskResult::arm).toList())).orElseThrow();
    }

    private static Section texts(TextEvaluation texts) {
        List<List<String>> rows = withExact(row(texts.exact(), true),
                texts.arms().stream().map(result -> row(result, false)).toList());
        return new Section("Texts",
                "± is one standard error. KL and agreement are against the first row.",
                List.of(Table.ofNumbers("", List.of("", "Perplexity", "KL (nats per token)",
                        "Same most likely token (%)", "K and V bytes"), rows)));
    }

    /** Returns the figures of an arm; how near exact attention comes to itself was not measured. */
    private static List<String> row(TextResult result, boolean exact) {
        Estimate divergence = exact ? new Estimate(0, Double.NaN) : result.divergence();
        Estimate agreement = exact ? new Estimate(1, Double.NaN) : result.agreement();
        return List.of(result.arm().name(), Wording.estimate(result.perplexity(), 3), Wording.estimate(divergence, 5),
                Wording.percent(agreement, 2), Numbers.percent(result.kvCacheRelative(), 1));
    }

    private static Section savings(List<TextResult> results) {
        List<TradeOff> curve = results.stream().map(TradeOff::of).toList();
        List<Block> blocks = new ArrayList<>(TradeOff.charts(curve, Series.Style.POINTS));
        blocks.add(TradeOff.table("Quality against saving", curve));
        return new Section("Quality against saving", "", blocks);
    }

    private List<Entry> settings() {
        List<Entry> settings = new ArrayList<>();
        evaluated.texts().map(EvaluateCommand.Texts::set).ifPresent(set -> settings.add(new Entry("Texts",
                fileName(set.source()) + counts(set.badLines(), "bad lines skipped") + counts(set.cut(), "texts cut")
                        + (set.complete() ? "" : "; the file has more"))));
        evaluated.tasks().map(EvaluateCommand.Tasks::set).ifPresent(set -> settings.add(new Entry("Tasks",
                fileName(set.source()) + counts(set.badLines(), "bad lines skipped")
                        + counts(set.tooLong(), "too long for the context")
                        + (set.complete() ? "" : "; the file has more"))));
        for (Arm arm : arms()) {
            settings.add(new Entry(arm.name(), arm.profile()
                    .map(profile -> "clusters " + Wording.clusters(profile) + "; "
                            + Wording.membership(profile.membership()))
                    .orElse("exact attention") + "; keys and values " + arm.kvType()));
        }
        return settings;
    }

    private static String fileName(String source) {
        return Path.of(source).getFileName().toString();
    }

    private static String counts(int count, String what) {
        return count == 0 ? "" : "; " + count + " " + what;
    }

    /** Returns the arms behind the one they are compared with. */
    static <T> List<T> withExact(T exact, List<T> arms) {
        return Stream.concat(Stream.of(exact), arms.stream()).toList();
    }
}
