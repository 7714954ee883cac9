// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;

import io.github.chaijlama.evaluate.Task;
import io.github.chaijlama.evaluate.TaskEvaluator;
import io.github.chaijlama.generate.TextModel;

/**
 * Tasks for a budget of accuracy, divided by a seed.
 *
 * @param search tasks that steer the search
 * @param verify tasks that verify what it found
 * @param digest of the tasks' tokens and answers: a run that was stopped goes on only with the same tasks
 */
public record TaskSplit(TaskEvaluator search, TaskEvaluator verify, String digest) {

    /**
     * Divides tasks in halves.
     *
     * @param source name of the tasks
     * @throws CalibrationException if there are fewer than four
     */
    public static TaskSplit of(TextModel model, List<Task> tasks, String source, long seed) {
        if (tasks.size() < 4) {
            throw new CalibrationException(
                    "a budget of accuracy needs at least 4 tasks, found " + tasks.size() + " in " + source);
        }
        SeededSplit<Task> split = SeededSplit.of(tasks, tasks.size(), tasks.size(), seed);
        return new TaskSplit(new TaskEvaluator(model, split.fitted()), new TaskEvaluator(model, split.measured()),
                digest(tasks));
    }

    private static String digest(List<Task> tasks) {
        InputDigest digest = new InputDigest();
        for (Task task : tasks) {
            digest.add(task.prompt());
            task.choices().forEach(choice -> digest.add(choice.tokens()));
            digest.add(new int[]{ task.answer() });
            digest.add(task.target().map(Task.Choice::tokens).orElse(new int[0]));
        }
        return digest.hex();
    }
}
