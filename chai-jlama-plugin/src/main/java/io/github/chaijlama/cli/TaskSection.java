// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.TaskEvaluation;
import io.github.chaijlama.evaluate.TaskGroup;
import io.github.chaijlama.evaluate.TaskMeasures;
import io.github.chaijlama.evaluate.TaskResult;
import io.github.chaijlama.report.Axis;
import io.github.chaijlama.report.Block;
import io.github.chaijlama.report.IntervalChart;
import io.github.chaijlama.report.Section;
import io.github.chaijlama.report.Table;

/** What the page of an evaluation shows of its tasks. */
final class TaskSection {
    /** A way of scoring tasks. */
    private record Rule(String name, Function<TaskMeasures, Estimate> measure) {}

    private static final List<Rule> RULES = List.of(new Rule("likeliest choice", TaskMeasures::accuracy),
            new Rule("likeliest per character", TaskMeasures::normalizedAccuracy),
            new Rule("greedy exact match", TaskMeasures::exactMatch));

    private final List<List<String>> rows = new ArrayList<>();
    private final List<IntervalChart.Row> differences = new ArrayList<>();

    private TaskSection() {}

    /** Returns all tasks by every rule, and each kind by the first: with all of them nothing could be seen any more. */
    static Section of(TaskEvaluation tasks) {
        List<TaskResult> results = EvaluationPage.withExact(tasks.exact(), tasks.arms());
        List<TaskGroup> kinds = tasks.exact().kinds();
        TaskSection section = new TaskSection();
        for (Rule rule : RULES) {
            section.add("all, " + rule.name, rule, results, TaskResult::overall);
        }
        for (int i = 0; i < kinds.size() && kinds.size() > 1; i++) {
            int kind = i;
            section.add(kinds.get(i).kind() + ", " + RULES.getFirst().name, RULES.getFirst(), results,
                    result -> result.kinds().get(kind));
        }
        return section.section();
    }

    /** Adds a group of tasks under one rule; the first result is what the others are compared with. */
    private void add(String name, Rule rule, List<TaskResult> results, Function<TaskResult, TaskGroup> group) {
        for (int i = 0; i < results.size(); i++) {
            TaskResult result = results.get(i);
            TaskGroup tasks = group.apply(result);
            String accuracy = Wording.percent(rule.measure.apply(tasks.measures()), 2);
            String change = "";
            String verdict = "";
            if (i > 0) {
                Estimate difference = Wording.inPercent(rule.measure.apply(tasks.differences()));
                double halfWidth = difference.halfWidth95();
                change = Wording.estimate(difference, 2);
                verdict = verdict(difference);
                differences.add(new IntervalChart.Row(name, result.arm().name(), difference.value(), halfWidth));
            }
            rows.add(List.of(name, Long.toString(tasks.tasks()), result.arm().name(), accuracy, change, verdict));
        }
    }

    private static String verdict(Estimate difference) {
        if (!Double.isFinite(difference.standardError())) {
            return "";
        }
        return difference.isSignificant() ? "yes" : "no";
    }

    private Section section() {
        List<Block> blocks = new ArrayList<>();
        if (!differences.isEmpty()) {
            blocks.add(new IntervalChart("Difference in accuracy",
                    "Paired by task, with intervals of 95 %. An interval that crosses zero shows no significant "
                            + "difference.",
                    Axis.of("Difference in accuracy", "percentage points", Axis.Scale.LINEAR), differences));
        }
        blocks.add(new Table("Accuracy; ± is one standard error",
                List.of("Tasks", "Number", "Arm", "Accuracy (%)", "Difference (points)", "Significant at 5 %"), rows,
                List.of(Table.Alignment.TEXT, Table.Alignment.NUMBER, Table.Alignment.TEXT, Table.Alignment.NUMBER,
                        Table.Alignment.NUMBER, Table.Alignment.TEXT)));
        return new Section("Tasks", "", blocks);
    }
}
