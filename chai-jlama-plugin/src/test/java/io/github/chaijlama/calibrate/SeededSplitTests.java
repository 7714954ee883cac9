// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class SeededSplitTests {
    private static final List<Integer> ALL = IntStream.range(0, 11).boxed().toList();

    @Test
    void nothingIsOnBothSidesOrLeftOut() {
        SeededSplit<Integer> split = SeededSplit.of(ALL, 100, 100, 7);

        assertThat(split.fitted()).as("half at most").hasSize(5);
        List<Integer> both = new ArrayList<>(split.fitted());
        both.addAll(split.measured());
        assertThat(both).containsExactlyInAnyOrderElementsOf(ALL).isNotEqualTo(ALL);
    }

    @Test
    void aSeedDrawsTheSameOrderHoweverManyAreTaken() {
        SeededSplit<Integer> all = SeededSplit.of(ALL, 5, 6, 7);
        SeededSplit<Integer> few = SeededSplit.of(ALL, 5, 2, 7);

        assertThat(few.fitted()).isEqualTo(all.fitted());
        assertThat(few.measured()).isEqualTo(all.measured().subList(0, 2));
        assertThat(SeededSplit.of(ALL, 5, 6, 8)).isNotEqualTo(all);
    }
}
