// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.List;

/**
 * What arms make of the same texts.
 *
 * @param texts           number of texts
 * @param predictedTokens tokens predicted
 * @param exact           exact attention, against which the others are compared
 * @param arms            the others, in the order they were asked for
 */
public record TextEvaluation(int texts, long predictedTokens, TextResult exact, List<TextResult> arms) {

    public TextEvaluation {
        arms = List.copyOf(arms);
    }
}
