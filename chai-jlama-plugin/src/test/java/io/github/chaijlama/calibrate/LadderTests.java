// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class LadderTests {

    @Test
    void manyHeadsAreTriedInEighths() {
        assertThat(Ladder.of(8, 3).counts()).containsExactly(8, 7, 6, 5, 4, 3, 2, 1);
        assertThat(Ladder.of(32, 5).counts()).containsExactly(32, 28, 24, 20, 16, 12, 8, 5, 4, 1);
        assertThat(Ladder.of(1, 1).counts()).containsExactly(1);
    }

    @Test
    void rungsOfGroupsAreWholeGroups() {
        assertThat(Ladder.ofGroups(8, 4).counts()).containsExactly(8, 4);
        assertThat(Ladder.ofGroups(32, 4).counts()).containsExactly(32, 28, 24, 20, 16, 12, 8, 4);
        assertThat(Ladder.ofGroups(64, 2).counts()).containsExactly(64, 56, 48, 40, 32, 24, 16, 8, 2);
        assertThat(Ladder.ofGroups(8, 8).counts()).containsExactly(8);
    }

    @Test
    void goesFromRungToRung() {
        Ladder ladder = Ladder.of(32, 5);

        assertThat(ladder.heads()).isEqualTo(32);
        assertThat(ladder.below(8)).containsExactly(5, 4, 1);
        assertThat(ladder.below(1)).isEmpty();
        assertThat(ladder.above(5)).hasValue(8);
        assertThat(ladder.above(32)).isEmpty();
    }
}
