// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.weight.WeightSource;

/** An output that tells a {@link StepClock} how long it takes. */
final class TimedHead extends OutputHead {
    private final StepClock clock;

    TimedHead(ModelConfig config, WeightSource weights, StepTools tools, StepClock clock) {
        super(config, weights, tools);
        this.clock = clock;
    }

    @Override
    void product(Rows rows, float[][] result, int offset) {
        long start = System.nanoTime();
        super.product(rows, result, offset);
        clock.head(System.nanoTime() - start);
    }
}
