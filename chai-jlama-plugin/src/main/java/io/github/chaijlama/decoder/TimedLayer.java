// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.attention.AttentionPart;
import io.github.chaijlama.attention.LayerAttention;
import io.github.chaijlama.attention.RotaryEmbedding;
import io.github.chaijlama.attention.SequenceRows;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.LayerConfig;
import io.github.chaijlama.weight.WeightSource;

/** A layer that tells a {@link StepClock} how long its parts take. */
final class TimedLayer extends DecoderLayer {
    private final int layer;
    private final StepClock clock;

    TimedLayer(int layer, LayerConfig config, WeightSource weights, LayerAttention attention,
            Optional<RotaryEmbedding> rotary, StepTools tools, StepClock clock) {
        super(layer, config, weights, attention, rotary, tools);
        this.layer = layer;
        this.clock = clock;
    }

    @Override
    void forward(List<SequenceRows> sequences, Rows x, Optional<Rows> inputs) {
        long start = System.nanoTime();
        super.forward(sequences, x, inputs);
        clock.block(layer, System.nanoTime() - start);
    }

    @Override
    void project(AttentionPart part, Rows input, Rows queries, Rows keys, Rows values) {
        long start = System.nanoTime();
        super.project(part, input, queries, keys, values);
        clock.projections(System.nanoTime() - start);
    }

    @Override
    void normAndRotate(AttentionPart part, Rows queries, Rows keys, Rows values) {
        long start = System.nanoTime();
        super.normAndRotate(part, queries, keys, values);
        clock.attention(layer, System.nanoTime() - start);
    }

    @Override
    void attend(AttentionPart part, Rows queries, Rows keys, Rows values, Rows attended) {
        long start = System.nanoTime();
        super.attend(part, queries, keys, values, attended);
        clock.attention(layer, System.nanoTime() - start);
    }

    @Override
    void output(Rows attended, Rows out) {
        long start = System.nanoTime();
        super.output(attended, out);
        clock.projections(System.nanoTime() - start);
    }

    @Override
    void feedForward(Rows input, Rows out) {
        long start = System.nanoTime();
        super.feedForward(input, out);
        clock.feedForward(System.nanoTime() - start);
    }
}
