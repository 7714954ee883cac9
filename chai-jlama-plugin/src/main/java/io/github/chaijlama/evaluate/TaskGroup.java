// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/**
 * The tasks of one kind, or all.
 *
 * @param kind        the kind
 * @param tasks       their number
 * @param measures    what the arm makes of them
 * @param differences paired differences, arm minus exact, with their own standard errors: the same tasks are hard for
 *                    both, so they are far smaller than those of the measures
 */
public record TaskGroup(String kind, long tasks, TaskMeasures measures, TaskMeasures differences) {}
