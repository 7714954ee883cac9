// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.HashSet;
import java.util.Set;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class BatchPlanTests {

    @Test
    void batchesAddUpAndHaveFewSizes() {
        Set<Integer> sizes = new HashSet<>();
        for (int tokens = 1; tokens <= 5000; tokens++) {
            var batches = BatchPlan.batches(tokens);
            assertThat(batches.stream().mapToInt(Integer::intValue).sum()).isEqualTo(tokens);
            sizes.addAll(batches);
        }
        assertThat(sizes).hasSize(39).allMatch(size -> size <= 32 || size % 32 == 0 && size <= 256);
    }

    @Test
    void nothingIsLeftThatWouldBeBoundByReadingTheWeights() {
        assertThat(BatchPlan.batches(256)).containsExactly(256);
        assertThat(BatchPlan.batches(33)).containsExactly(17, 16);
        assertThat(BatchPlan.batches(100)).containsExactly(64, 18, 18);
        assertThat(BatchPlan.batches(300)).containsExactly(256, 22, 22);
        for (int tokens = 8; tokens <= 5000; tokens++) {
            assertThat(BatchPlan.batches(tokens)).allMatch(size -> size >= 8);
        }
    }
}
