// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

import io.github.chaijlama.evaluate.Task;
import io.github.chaijlama.evaluate.TaskEvaluator;
import io.github.chaijlama.generate.TextModel;

/**
 * Tasks for a budget of accuracy, divided by a seed.
 *
 * @param search tasks that steer the search
 * @param verify tasks that verify what it found
 * @param name   identifies the tasks
 */
public record TaskSplit(TaskEvaluator search, TaskEvaluator verify, String name) {

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
        List<Task> shuffled = new ArrayList<>(tasks);
        Collections.shuffle(shuffled, new Random(seed));
        int half = tasks.size() / 2;
        return new TaskSplit(new TaskEvaluator(model, shuffled.subList(0, half)),
                new TaskEvaluator(model, shuffled.subList(half, tasks.size())), source + " " + tasks.size());
    }
}
