// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.Map;
import java.util.TreeMap;

/** What is added up over tasks for one arm. Not thread-safe. */
final class TaskSums {
    private static final String OVERALL = "all";

    private final Arm arm;
    private final Group overall = new Group();
    private final Map<String, Group> kinds = new TreeMap<>();
    private final KvCacheUse kvCache;

    TaskSums(Arm arm) {
        this.arm = arm;
        this.kvCache = new KvCacheUse(arm);
    }

    /** Sums of one kind: the measures and the paired differences. */
    private static final class Group {
        private final Sums measures = new Sums();
        private final Sums differences = new Sums();
        private long tasks;

        void add(TaskScore exact, TaskScore score) {
            tasks++;
            measures.add(number(score.right()), number(score.rightNormalized()), number(score.exactMatch()),
                    score.answerLoss());
            differences.add(number(score.right()) - number(exact.right()),
                    number(score.rightNormalized()) - number(exact.rightNormalized()),
                    number(score.exactMatch()) - number(exact.exactMatch()), score.answerLoss() - exact.answerLoss());
        }

        private static double number(boolean value) {
            return value ? 1 : 0;
        }

        TaskGroup result(String kind) {
            return new TaskGroup(kind, tasks, measures.result(), differences.result());
        }
    }

    /** Sums of each measure. */
    private static final class Sums {
        private final MeanSums right = new MeanSums();
        private final MeanSums rightNormalized = new MeanSums();
        private final MeanSums exactMatch = new MeanSums();
        private final MeanSums answerLoss = new MeanSums();

        void add(double newRight, double newRightNormalized, double newExactMatch, double newAnswerLoss) {
            right.add(newRight);
            rightNormalized.add(newRightNormalized);
            exactMatch.add(newExactMatch);
            answerLoss.add(newAnswerLoss);
        }

        TaskMeasures result() {
            return new TaskMeasures(right.mean(), rightNormalized.mean(), exactMatch.mean(), answerLoss.mean());
        }
    }

    void add(Task task, TaskScore exact, TaskScorer.Scored scored) {
        overall.add(exact, scored.score());
        kinds.computeIfAbsent(task.kind(), kind -> new Group()).add(exact, scored.score());
        kvCache.add(task.prompt().length, scored.kvCacheBytes());
    }

    /** Returns the result, bytes in relation to those of exact attention. */
    TaskResult result(TaskSums exact) {
        return new TaskResult(arm, overall.result(OVERALL),
                kinds.entrySet().stream().map(kind -> kind.getValue().result(kind.getKey())).toList(),
                kvCache.bytes(), kvCache.relativeTo(exact.kvCache), kvCache.withoutClusters());
    }
}
