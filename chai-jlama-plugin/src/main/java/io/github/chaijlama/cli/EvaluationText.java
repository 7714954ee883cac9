// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import io.github.chaijlama.evaluate.Arm;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.TaskEvaluation;
import io.github.chaijlama.evaluate.TaskGroup;
import io.github.chaijlama.evaluate.TaskMeasures;
import io.github.chaijlama.evaluate.TaskResult;
import io.github.chaijlama.evaluate.TextEvaluation;
import io.github.chaijlama.evaluate.TextResult;

/** An evaluation for people. */
final class EvaluationText {
    private final PrintWriter out;

    private EvaluationText(PrintWriter out) {
        this.out = out;
    }

    static void print(PrintWriter out, EvaluateCommand.Evaluated evaluated) {
        out.println(evaluated.shape()
                + "; values with +- standard error; * differs from exact by more than 1.96 of them (95 %)");
        EvaluationText text = new EvaluationText(out);
        evaluated.texts().ifPresent(texts -> text.print(texts.result()));
        evaluated.tasks().ifPresent(tasks -> text.print(tasks.result()));
    }

    private void print(TextEvaluation texts) {
        out.printf("%n%d texts, %d predicted tokens%n", texts.texts(), texts.predictedTokens());
        out.printf("%-20s %20s %20s %22s %20s %8s%n", "", "perplexity", "increase %", "KL nats/token", "same token %",
                "K+V %");
        for (TextResult result : withExact(texts.exact(), texts.arms())) {
            out.printf(Locale.ROOT, "%-20s %20s %20s %22s %20s %8.1f%n", result.arm().name(),
                    format(result.perplexity(), 1, 4), difference(result.perplexityIncrease(), 100, 2),
                    format(result.divergence(), 1, 5), format(result.agreement(), 100, 2),
                    100 * result.kvCacheRelative());
            tooShort(result.arm(), result.textsWithoutClusters(), "texts");
        }
    }

    private void print(TaskEvaluation tasks) {
        out.printf("%n%d tasks; differences are paired, arm minus exact%n", tasks.tasks());
        out.printf("%-20s %-10s %6s %16s %16s %16s %18s %8s%n", "", "kind", "tasks", "acc %", "acc_norm %",
                "exact match %", "answer loss nats", "K+V %");
        print(tasks.exact(), false);
        tasks.arms().forEach(result -> print(result, true));
    }

    private void print(TaskResult result, boolean differences) {
        for (TaskGroup group : groups(result)) {
            print(result.arm().name(), group, group.measures(), EvaluationText::format,
                    format(100 * result.kvCacheRelative(), 1));
            if (differences) {
                print("  minus exact", group, group.differences(), EvaluationText::difference, "");
            }
        }
        tooShort(result.arm(), result.tasksWithoutClusters(), "tasks");
    }

    /** How a value is written. */
    private interface Style {
        String format(Estimate estimate, double factor, int digits);
    }

    private void print(String name, TaskGroup group, TaskMeasures measures, Style style, String bytes) {
        out.printf("%-20s %-10s %6d %16s %16s %16s %18s %8s%n", name, group.kind(), group.tasks(),
                style.format(measures.accuracy(), 100, 1), style.format(measures.normalizedAccuracy(), 100, 1),
                style.format(measures.exactMatch(), 100, 1), style.format(measures.answerLoss(), 1, 3), bytes);
    }

    private void tooShort(Arm arm, int count, String what) {
        if (arm.profile().isPresent() && count > 0) {
            out.println("  " + count + " " + what + " are too short for clusters to be decided: exact there");
        }
    }

    private static List<TaskGroup> groups(TaskResult result) {
        List<TaskGroup> groups = new ArrayList<>(List.of(result.overall()));
        if (result.kinds().size() > 1) {
            groups.addAll(result.kinds());
        }
        return groups;
    }

    private static <T> List<T> withExact(T exact, List<T> arms) {
        List<T> all = new ArrayList<>(List.of(exact));
        all.addAll(arms);
        return all;
    }

    /** Returns a value with its standard error; differences that are significant are marked. */
    private static String difference(Estimate estimate, double factor, int digits) {
        return format(estimate, factor, digits) + (estimate.isSignificant() ? "*" : " ");
    }

    private static String format(Estimate estimate, double factor, int digits) {
        String value = format(estimate.value() * factor, digits);
        return Double.isNaN(estimate.standardError()) ? value
                : value + " +- " + format(estimate.standardError() * factor, digits);
    }

    private static String format(double value, int digits) {
        String text = String.format(Locale.ROOT, "%." + digits + "f", value);
        return text.matches("-0\\.?0*") ? text.substring(1) : text;
    }
}
