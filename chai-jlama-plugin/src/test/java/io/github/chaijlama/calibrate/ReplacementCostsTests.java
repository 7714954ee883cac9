// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.profile.ModelShape;

import static org.assertj.core.api.Assertions.assertThat;

class ReplacementCostsTests {
    private final List<HeadReplacement> measured = new ArrayList<>();
    private final ReplacementCosts costs = new ReplacementCosts(replacement -> {
        measured.add(replacement);
        int number = 100 * replacement.layer() + 10 * replacement.head() + replacement.representative();
        Estimate divergence = new Estimate(number, 0);
        return new QualityLoss(divergence, divergence, Optional.empty(), 1, 0);
    });

    @Test
    void everyReplacementIsMeasuredOnce() {
        List<OutputDistances> distances = costs.measure(new ModelShape("llama", 2, 3, 3, 4));

        assertThat(distances).hasSize(2);
        assertThat(distances.getLast().sums()).containsExactly(0, 101, 102, 110, 0, 112, 120, 121, 0);
        assertThat(measured).hasSize(12).doesNotHaveDuplicates();
    }

    @Test
    void rowsAreScaledToWhatTheNearestHeadCosts() {
        OutputDistances outputs = new OutputDistances(3);
        outputs.add(new double[]{ 0, 4, 2, 5, 0, 10, 0, 3, 0 });
        List<OutputDistances> weighted = costs.weigh(List.of(outputs));

        // Head 0 is nearest to head 2, which costs 2; head 1 to head 0, which costs 10; head 2 equals head 0.
        assertThat(weighted.getFirst().sums()).containsExactly(0, 4, 2, 10, 0, 20, 0, 3, 0);
        assertThat(measured).containsExactly(new HeadReplacement(0, 0, 2), new HeadReplacement(0, 1, 0));
    }
}
