// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Texts or tasks in an order drawn by a seed, and divided: what was fitted on some is measured on others.
 *
 * @param fitted   the first
 * @param measured those after them
 */
record SeededSplit<T>(List<T> fitted, List<T> measured) {

    /**
     * Divides texts or tasks.
     *
     * @param maxFitted   the most to fit on; half of all at most
     * @param maxMeasured the most of the others to measure on
     */
    static <T> SeededSplit<T> of(List<T> all, int maxFitted, int maxMeasured, long seed) {
        List<T> shuffled = new ArrayList<>(all);
        Collections.shuffle(shuffled, new Random(seed));
        int fitted = Math.min(maxFitted, shuffled.size() / 2);
        int measured = Math.min(maxMeasured, shuffled.size() - fitted);
        return new SeededSplit<>(List.copyOf(shuffled.subList(0, fitted)),
                List.copyOf(shuffled.subList(fitted, fitted + measured)));
    }
}
