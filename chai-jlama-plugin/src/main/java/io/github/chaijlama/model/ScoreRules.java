// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

/**
 * How a layer turns queries and keys into probabilities. Immutable.
 *
 * @param scale   factor of the scores, usually {@code 1 / sqrt(headSize)}
 * @param softCap scores become {@code softCap * tanh(score / softCap)}; 0 for none
 * @param window  how many positions a query sees, its own included; 0 for all
 */
public record ScoreRules(float scale, float softCap, int window) {

    /** Returns the first position that a query sees. */
    public int firstKey(int position) {
        return window == 0 ? 0 : Math.max(0, position - window + 1);
    }
}
