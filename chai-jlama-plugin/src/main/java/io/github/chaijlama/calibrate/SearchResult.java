// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;

/**
 * How a search for the largest saving within a quality budget went.
 *
 * @param budget        the budget
 * @param sensitivities what clustering each layer alone costs; a layer's list ends where the cost is twice the bound
 * @param path          every set of counts that was accepted on the way, in that order
 * @param beyond        the way on from there to where quality breaks, empty if it was not asked for
 * @param found         the largest saving inside the bound on the texts that steered the search
 * @param verified      what the profile has: the largest saving of the path that is inside the bound on other texts,
 *                      too
 * @param measurements  measurements taken
 * @param stopped       why the search ended, a sentence
 */
public record SearchResult(QualityBudget budget, List<LayerSensitivity> sensitivities, List<QualityPoint> path,
        List<QualityPoint> beyond, QualityPoint found, QualityPoint verified, int measurements, String stopped) {

    public SearchResult {
        sensitivities = List.copyOf(sensitivities);
        path = List.copyOf(path);
        beyond = List.copyOf(beyond);
    }
}
