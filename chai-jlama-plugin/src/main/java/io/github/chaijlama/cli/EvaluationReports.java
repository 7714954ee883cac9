// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.evaluate.Arm;
import io.github.chaijlama.evaluate.TaskEvaluation;
import io.github.chaijlama.evaluate.TaskGroup;
import io.github.chaijlama.evaluate.TaskMeasures;
import io.github.chaijlama.evaluate.TaskResult;
import io.github.chaijlama.evaluate.TaskSet;
import io.github.chaijlama.evaluate.TextEvaluation;
import io.github.chaijlama.evaluate.TextResult;
import io.github.chaijlama.evaluate.TextSet;
import io.github.chaijlama.report.Entry;
import io.github.chaijlama.report.Estimate;
import io.github.chaijlama.report.EvaluationReport;
import io.github.chaijlama.report.EvaluationReport.TaskKind;
import io.github.chaijlama.report.EvaluationReport.TaskScore;
import io.github.chaijlama.report.Report;
import io.github.chaijlama.report.TradeOff;

/**
 * An evaluation as a report.
 *
 * @param evaluated what was measured
 * @param model     the model, still loaded
 * @param directory where it was loaded from
 */
record EvaluationReports(EvaluateCommand.Evaluated evaluated, ChaiModel model, Path directory) {

    Report report() {
        TextEvaluation texts = evaluated.texts();
        TaskEvaluation tasks = evaluated.tasks();
        List<TextResult> textArms = texts == null ? List.of() : withExact(texts.exact(), texts.arms());
        return new EvaluationReport(subtitle(), keyFigures(), remarks(), ReportFacts.model(model, directory),
                settings(), textArms.stream().map(arm -> arm(arm, arm == texts.exact())).toList(),
                tasks == null ? List.of() : taskKinds(tasks),
                textArms.size() < 2 ? List.of() : textArms.stream().map(EvaluationReports::tradeOff).toList(),
                ReportFacts.versions(model)).report();
    }

    private String subtitle() {
        List<String> parts = new ArrayList<>();
        if (evaluated.texts() != null) {
            parts.add(evaluated.texts().texts() + " texts, " + evaluated.texts().predictedTokens()
                    + " predicted tokens");
        }
        if (evaluated.tasks() != null) {
            parts.add(evaluated.tasks().tasks() + " tasks");
        }
        return String.join("; ", parts);
    }

    /** The first of the arms is what most evaluations are about; the others are in the tables. */
    private List<Entry> keyFigures() {
        List<Entry> figures = new ArrayList<>();
        TextEvaluation texts = evaluated.texts();
        if (texts != null && !texts.arms().isEmpty()) {
            TextResult first = texts.arms().getFirst();
            figures.add(saved(first.kvCacheRelative()));
            figures.add(change("Perplexity", first.perplexityIncrease(), " %"));
            figures.add(new Entry("Mean KL, nats per token",
                    ReportFacts.format("%.5f", first.divergence().value())));
            figures.add(new Entry("Same most likely token",
                    ReportFacts.format("%.2f %%", 100 * first.agreement().value())));
        }
        TaskEvaluation tasks = evaluated.tasks();
        if (tasks != null && !tasks.arms().isEmpty()) {
            TaskResult first = tasks.arms().getFirst();
            if (figures.isEmpty()) {
                figures.add(saved(first.kvCacheRelative()));
            }
            figures.add(change("Accuracy, points", first.overall().differences().accuracy(), ""));
        }
        return figures;
    }

    private static Entry change(String what, io.github.chaijlama.evaluate.Estimate measured, String unit) {
        String error = Double.isFinite(measured.standardError())
                ? ReportFacts.format(" (± %.2f)", 100 * measured.standardError())
                : "";
        return new Entry(what + error, ReportFacts.format("%+.2f", 100 * measured.value()) + unit);
    }

    private static Entry saved(double kvCacheRelative) {
        return new Entry("K and V bytes saved", ReportFacts.format("%.1f %%", 100 * (1 - kvCacheRelative)));
    }

    private List<String> remarks() {
        List<String> remarks = new ArrayList<>();
        List<Arm> arms = arms();
        if (arms.size() > 1) {
            remarks.add("The figures above are of " + arms.getFirst().name() + ".");
        }
        if (evaluated.texts() != null) {
            evaluated.texts().arms().stream().filter(arm -> arm.arm().profile() != null)
                    .forEach(arm -> tooShort(remarks, arm.arm(), arm.textsWithoutClusters(), "texts"));
        }
        if (evaluated.tasks() != null) {
            evaluated.tasks().arms().stream().filter(arm -> arm.arm().profile() != null)
                    .forEach(arm -> tooShort(remarks, arm.arm(), arm.tasksWithoutClusters(), "tasks"));
        }
        return remarks;
    }

    private static void tooShort(List<String> remarks, Arm arm, int count, String what) {
        if (count > 0) {
            remarks.add(count + " " + what + " are too short for the clusters of " + arm.name()
                    + " to be decided: exact there.");
        }
    }

    private List<Arm> arms() {
        return evaluated.texts() != null ? evaluated.texts().arms().stream().map(TextResult::arm).toList()
                : evaluated.tasks().arms().stream().map(TaskResult::arm).toList();
    }

    private List<Entry> settings() {
        List<Entry> settings = new ArrayList<>();
        TextSet texts = evaluated.textSet();
        if (texts != null) {
            settings.add(new Entry("Texts", fileName(texts.source()) + counts(texts.badLines(), "bad lines skipped")
                    + counts(texts.cut(), "texts cut") + (texts.complete() ? "" : "; the file has more")));
        }
        TaskSet tasks = evaluated.taskSet();
        if (tasks != null) {
            settings.add(new Entry("Tasks", fileName(tasks.source()) + counts(tasks.badLines(), "bad lines skipped")
                    + counts(tasks.tooLong(), "too long for the context")
                    + (tasks.complete() ? "" : "; the file has more")));
        }
        for (Arm arm : arms()) {
            settings.add(new Entry(arm.name(), (arm.profile() == null ? "exact attention"
                    : "clusters " + ReportFacts.clusters(arm.profile()) + "; "
                            + ReportFacts.membership(arm.profile().membership()))
                    + "; keys and values " + arm.kvType()));
        }
        return settings;
    }

    private static String fileName(String source) {
        return Path.of(source).getFileName().toString();
    }

    private static String counts(int count, String what) {
        return count == 0 ? "" : "; " + count + " " + what;
    }

    private static EvaluationReport.Arm arm(TextResult result, boolean exact) {
        return new EvaluationReport.Arm(result.arm().name(), ReportFacts.estimate(result.perplexity()),
                exact ? Estimate.of(0) : ReportFacts.estimate(result.divergence()),
                exact ? Estimate.of(1) : ReportFacts.estimate(result.agreement()), result.kvCacheRelative());
    }

    private static TradeOff tradeOff(TextResult result) {
        return new TradeOff(result.arm().name(), 1 - result.kvCacheRelative(), result.perplexityIncrease().value(),
                result.perplexityIncrease().standardError(), result.divergence().value(), false);
    }

    // ---- tasks ----

    /** A way of scoring tasks. */
    private record Rule(String name, Function<TaskMeasures, io.github.chaijlama.evaluate.Estimate> measure) {}

    private static final List<Rule> RULES = List.of(new Rule("likeliest choice", TaskMeasures::accuracy),
            new Rule("likeliest per character", TaskMeasures::normalizedAccuracy),
            new Rule("greedy exact match", TaskMeasures::exactMatch));

    /** Returns all tasks by every rule, and each kind by the first: with all of them nothing could be seen any more. */
    private static List<TaskKind> taskKinds(TaskEvaluation tasks) {
        List<TaskResult> results = withExact(tasks.exact(), tasks.arms());
        List<TaskGroup> kinds = tasks.exact().kinds();
        List<TaskKind> found = new ArrayList<>();
        for (Rule rule : RULES) {
            found.add(taskKind("all, ", rule, results, TaskResult::overall));
        }
        for (int i = 0; i < kinds.size() && kinds.size() > 1; i++) {
            int kind = i;
            found.add(taskKind(kinds.get(i).kind() + ", ", RULES.getFirst(), results,
                    result -> result.kinds().get(kind)));
        }
        return found;
    }

    private static TaskKind taskKind(String prefix, Rule rule, List<TaskResult> results,
            Function<TaskResult, TaskGroup> group) {
        List<TaskScore> scores = new ArrayList<>();
        for (TaskResult result : results) {
            TaskGroup tasks = group.apply(result);
            scores.add(new TaskScore(result.arm().name(),
                    ReportFacts.estimate(rule.measure.apply(tasks.measures())), scores.isEmpty() ? Estimate.NONE
                            : ReportFacts.estimate(rule.measure.apply(tasks.differences()))));
        }
        return new TaskKind(prefix + rule.name, (int) group.apply(results.getFirst()).tasks(), scores);
    }

    private static <T> List<T> withExact(T exact, List<T> arms) {
        return Stream.concat(Stream.of(exact), arms.stream()).toList();
    }
}
