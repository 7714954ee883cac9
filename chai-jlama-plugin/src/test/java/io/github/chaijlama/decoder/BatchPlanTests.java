// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.Collections;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class BatchPlanTests {

    @Test
    void batchesAddUpAndAreOfAboutTheSameSize() {
        for (int tokens = 0; tokens < 5000; tokens++) {
            var batches = BatchPlan.batches(tokens);
            assertThat(batches.stream().mapToInt(Integer::intValue).sum()).isEqualTo(tokens);
            assertThat(batches).allMatch(size -> size >= 1 && size <= 512);
            if (!batches.isEmpty()) {
                assertThat(Collections.max(batches) - Collections.min(batches)).isLessThanOrEqualTo(1);
            }
        }
    }

    @Test
    void asFewAsPossible() {
        assertThat(BatchPlan.batches(1)).containsExactly(1);
        assertThat(BatchPlan.batches(512)).containsExactly(512);
        assertThat(BatchPlan.batches(513)).containsExactly(257, 256);
        assertThat(BatchPlan.batches(2048)).containsExactly(512, 512, 512, 512);
    }
}
