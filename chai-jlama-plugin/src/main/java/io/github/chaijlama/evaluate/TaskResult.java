// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.List;

/**
 * What an arm makes of tasks.
 *
 * @param arm                  the arm
 * @param overall              all tasks
 * @param kinds                the tasks of each kind, by name
 * @param kvCacheBytes         bytes of keys and values, sum over the tasks at the ends of their prompts
 * @param kvCacheRelative      those bytes in relation to exact attention's
 * @param tasksWithoutClusters tasks whose prompts are too short for the arm's clusters to be decided
 */
public record TaskResult(Arm arm, TaskGroup overall, List<TaskGroup> kinds, long kvCacheBytes, double kvCacheRelative,
        int tasksWithoutClusters) {

    public TaskResult {
        kinds = List.copyOf(kinds);
    }
}
