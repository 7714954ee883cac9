// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.util.List;

/**
 * How a model turns queries and keys into probabilities. Immutable.
 *
 * @param scale   factor of the scores, usually {@code 1 / sqrt(headSize)}
 * @param softCap scores become {@code softCap * tanh(score / softCap)}; 0 for none
 * @param windows of each layer, how many positions a query sees, its own included; 0 for all
 */
public record ScoreRules(float scale, float softCap, List<Integer> windows) {

    public ScoreRules {
        windows = List.copyOf(windows);
    }

    /** Returns the first position that a query sees. */
    int firstKey(int layer, int position) {
        int window = windows.get(layer);
        return window == 0 ? 0 : Math.max(0, position - window + 1);
    }
}
