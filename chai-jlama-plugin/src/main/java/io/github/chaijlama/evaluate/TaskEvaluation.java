// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.List;

/**
 * What arms make of the same tasks.
 *
 * @param tasks number of tasks
 * @param exact exact attention, against which the others are compared
 * @param arms  the others, in the order they were asked for
 */
public record TaskEvaluation(int tasks, TaskResult exact, List<TaskResult> arms) {

    public TaskEvaluation {
        arms = List.copyOf(arms);
    }
}
