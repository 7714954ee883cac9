// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.ArrayList;
import java.util.List;

/**
 * What an evaluation measured, as numbers. Immutable. What is empty has no place in the report.
 *
 * @param subtitle   one line about the run
 * @param keyFigures the results a hurried reader wants
 * @param remarks    what must not be overlooked
 * @param model      the model in words
 * @param settings   the settings of the run, files included
 * @param arms       the arms of the comparison, the first is the one the others are compared with
 * @param tasks      the kinds of tasks, each with a score for every arm
 * @param curve      quality against saving
 * @param versions   versions of program, libraries, Java and machine
 */
public record EvaluationReport(String subtitle, List<Entry> keyFigures, List<String> remarks, List<Entry> model,
        List<Entry> settings, List<Arm> arms, List<TaskKind> tasks, List<TradeOff> curve, List<Entry> versions) {
    /** Half of the central 95 % of a normal distribution, in standard errors. */
    private static final double HALF_WIDTH_95 = 1.96;

    /**
     * One way of running the model over the texts.
     *
     * @param name       its name
     * @param perplexity perplexity of the texts
     * @param kl         mean Kullback-Leibler divergence from the first arm, nats per token
     * @param agreement  share of the positions where the most likely token is that of the first arm, 0 to 1
     * @param kvBytes    K and V bytes as a share of the first arm's, 1 for as many
     */
    public record Arm(String name, Estimate perplexity, Estimate kl, Estimate agreement, double kvBytes) {}

    /**
     * Tasks of one kind under one rule of scoring. Immutable.
     *
     * @param name   the kind and the rule
     * @param tasks  how many there are
     * @param scores one for each arm
     */
    public record TaskKind(String name, int tasks, List<TaskScore> scores) {

        public TaskKind {
            scores = List.copyOf(scores);
        }
    }

    /**
     * How an arm did on tasks of one kind.
     *
     * @param arm        name of the arm
     * @param accuracy   share of the tasks that were right, 0 to 1
     * @param difference accuracy less that of the first arm, paired by task; {@link Estimate#NONE} for the first arm
     */
    public record TaskScore(String arm, Estimate accuracy, Estimate difference) {}

    public EvaluationReport {
        keyFigures = List.copyOf(keyFigures);
        remarks = List.copyOf(remarks);
        model = List.copyOf(model);
        settings = List.copyOf(settings);
        arms = List.copyOf(arms);
        tasks = List.copyOf(tasks);
        curve = List.copyOf(curve);
        versions = List.copyOf(versions);
    }

    /** Returns the report. */
    public Report report() {
        List<Section> sections = new ArrayList<>();
        sections.add(Sections.result(keyFigures, remarks, model));
        if (!arms.isEmpty()) {
            sections.add(texts());
        }
        if (!curve.isEmpty()) {
            List<Block> blocks = new ArrayList<>(TradeOff.charts(curve, Series.Style.POINTS));
            blocks.add(TradeOff.table("Quality against saving", curve));
            sections.add(new Section("Quality against saving", "", blocks));
        }
        if (!tasks.isEmpty()) {
            sections.add(taskSection());
        }
        sections.add(Sections.settings(settings, versions));
        return new Report("Evaluation of head clusters", subtitle, sections);
    }

    private Section texts() {
        List<List<String>> rows = arms.stream()
                .map(arm -> List.of(arm.name, arm.perplexity.text(3), arm.kl.text(5), arm.agreement.percent().text(2),
                        Numbers.percent(arm.kvBytes, 1)))
                .toList();
        return new Section("Texts",
                "± is one standard error. KL and agreement are against the first row.",
                List.of(Table.ofNumbers("", List.of("", "Perplexity", "KL (nats per token)",
                        "Same most likely token (%)", "K and V bytes"), rows)));
    }

    private Section taskSection() {
        List<List<String>> rows = new ArrayList<>();
        List<IntervalChart.Row> differences = new ArrayList<>();
        for (TaskKind kind : tasks) {
            for (TaskScore score : kind.scores) {
                Estimate difference = score.difference.percent();
                double halfWidth = HALF_WIDTH_95 * difference.standardError();
                boolean known = Double.isFinite(difference.value());
                rows.add(List.of(kind.name, Integer.toString(kind.tasks), score.arm, score.accuracy.percent().text(2),
                        known ? difference.text(2) : "", verdict(difference.value(), halfWidth)));
                if (known) {
                    differences.add(new IntervalChart.Row(kind.name, score.arm, difference.value(), halfWidth));
                }
            }
        }
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

    private static String verdict(double difference, double halfWidth) {
        if (!Double.isFinite(difference) || !Double.isFinite(halfWidth)) {
            return "";
        }
        return Math.abs(difference) > halfWidth ? "yes" : "no";
    }
}
