// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.List;
import java.util.function.IntPredicate;

import io.github.chaijlama.generate.TextModel;

/** Measures arms against exact attention on tasks. Not thread-safe. */
public final class TaskEvaluator {
    private final ModelSequences sequences;
    private final IntPredicate isEndToken;
    private final List<Task> tasks;

    /**
     * Creates an evaluator.
     *
     * @param tasks tasks of {@link TaskSet}, for this model
     * @throws IllegalArgumentException if there is none
     */
    public TaskEvaluator(TextModel model, List<Task> tasks) {
        this(ModelSequences.of(model.model()), model.tokenizer()::isEndToken, tasks);
    }

    TaskEvaluator(ModelSequences sequences, IntPredicate isEndToken, List<Task> tasks) {
        if (tasks.isEmpty()) {
            throw new IllegalArgumentException("there must be at least 1 task");
        }
        this.sequences = sequences;
        this.isEndToken = isEndToken;
        this.tasks = List.copyOf(tasks);
    }

    /**
     * Measures arms.
     *
     * @param arms     what to compare with exact attention; may be empty
     * @param progress told of tokens of prompts done, all arms together
     * @throws io.github.chaijlama.profile.ProfileException if a profile was made for another model
     * @throws io.github.chaijlama.kv.KvCacheFullException  if keys and values of a task do not fit into the budget
     */
    public TaskEvaluation evaluate(List<Arm> arms, Progress progress) {
        TaskScorer exactScorer = new TaskScorer(sequences, Arm.EXACT, isEndToken);
        TaskSums exactSums = new TaskSums(Arm.EXACT);
        List<TaskScorer> scorers = arms.stream().map(arm -> new TaskScorer(sequences, arm, isEndToken)).toList();
        List<TaskSums> sums = arms.stream().map(TaskSums::new).toList();
        long total = tasks.stream().mapToLong(task -> task.prompt().length).sum();
        long done = 0;
        for (Task task : tasks) {
            TaskScorer.Scored exact = exactScorer.score(task);
            exactSums.add(task, exact.score(), exact);
            for (int arm = 0; arm < scorers.size(); arm++) {
                sums.get(arm).add(task, exact.score(), scorers.get(arm).score(task));
            }
            done += task.prompt().length;
            progress.report(done, total);
        }
        return new TaskEvaluation(tasks.size(), exactSums.result(exactSums),
                sums.stream().map(sum -> sum.result(exactSums)).toList());
    }
}
