// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.CausalSelfAttention;
import com.github.tjake.jlama.model.TransformerBlock;
import com.github.tjake.jlama.model.functions.FeedForward;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

import io.github.chaijlama.jlama.JlamaAccess.AttentionWeights;
import io.github.chaijlama.jlama.JlamaAccess.BlockParts;

/** A layer that reports its time, and its attention's and feed-forward network's, to a {@link StepClock}. */
final class TimedBlock extends TransformerBlock {
    private final int layer;
    private final StepClock clock;

    private TimedBlock(AbstractModel model, int layer, BlockParts parts, CausalSelfAttention attention,
            FeedForward feedForward, StepClock clock) {
        super(model, layer, parts.preAttentionNorm(), attention, parts.postAttentionNorm(), parts.preFeedForwardNorm(),
                feedForward, parts.postFeedForwardNorm(), parts.preResponseNorm());
        this.layer = layer;
        this.clock = clock;
    }

    /** Puts timed layers around the parts of a model's own. */
    static void install(AbstractModel model, StepClock clock) {
        TransformerBlock[] blocks = JlamaAccess.blocks(model);
        for (int layer = 0; layer < blocks.length; layer++) {
            BlockParts parts = JlamaAccess.parts(blocks[layer]);
            blocks[layer] = new TimedBlock(model, layer, parts,
                    new TimedAttention(model, layer, parts.attention(), clock),
                    new TimedFeedForward(parts.feedForward(), clock), clock);
        }
    }

    @Override
    @SuppressWarnings("rawtypes")
    public AbstractTensor forward(AbstractTensor input, int position, KvBuffer buffer,
            Optional<Consumer<List<AbstractTensor>>> tensorReducer) {
        clock.beginBlock();
        long pausedBefore = clock.pausedNanos();
        long start = System.nanoTime();
        AbstractTensor result = super.forward(input, position, buffer, tensorReducer);
        clock.endBlock(layer, System.nanoTime() - start - (clock.pausedNanos() - pausedBefore));
        return result;
    }

    /** Reports the time of an attention, its products apart. */
    private static final class TimedAttention extends CausalSelfAttention {
        private final int layer;
        private final CausalSelfAttention timed;
        private final StepClock clock;
        /** Repeats the products of Jlama's own attention; null where products report themselves. */
        private final StockProjections repeated;

        TimedAttention(AbstractModel model, int layer, CausalSelfAttention timed, StepClock clock) {
            this(model, layer, timed, JlamaAccess.weights(timed), clock);
        }

        @SuppressWarnings({ "unchecked", "rawtypes" })
        private TimedAttention(AbstractModel model, int layer, CausalSelfAttention timed, AttentionWeights weights,
                StepClock clock) {
            super(model, layer, (Optional<AbstractTensor>) (Optional) weights.queryBias(),
                    (Optional<AbstractTensor>) (Optional) weights.keyBias(),
                    (Optional<AbstractTensor>) (Optional) weights.valueBias(), weights.query(), weights.key(),
                    weights.value(), (Optional<AbstractTensor>) (Optional) weights.outputBias(), weights.output());
            this.layer = layer;
            this.timed = timed;
            this.clock = clock;
            this.repeated = timed instanceof ClusteredSelfAttention ? null : new StockProjections(model, weights);
        }

        @Override
        @SuppressWarnings("rawtypes")
        public AbstractTensor forward(AbstractTensor input, int position, KvBuffer buffer,
                Optional<Consumer<List<AbstractTensor>>> tensorReducer) {
            long productsBefore = clock.productNanos();
            long start = System.nanoTime();
            AbstractTensor result = timed.forward(input, position, buffer, tensorReducer);
            long nanos = System.nanoTime() - start;
            if (repeated == null) {
                clock.attention(layer, nanos, clock.productNanos() - productsBefore);
            } else {
                int rows = input.shape().first();
                repeatProducts(input, rows);
                clock.attention(layer, nanos, clock.repeatedNanos(rows));
            }
            return result;
        }

        private void repeatProducts(AbstractTensor<?, ?> input, int rows) {
            if (clock.wantsRepeat(rows)) {
                long start = System.nanoTime();
                clock.repeated(rows, repeated.run(input));
                clock.pause(System.nanoTime() - start);
            }
        }
    }

    /** Reports the time of a feed-forward network. */
    private record TimedFeedForward(FeedForward timed, StepClock clock) implements FeedForward {
        @Override
        @SuppressWarnings("rawtypes")
        public AbstractTensor forward(AbstractTensor input, Optional<Consumer<List<AbstractTensor>>> tensorReducer) {
            long start = System.nanoTime();
            AbstractTensor result = timed.forward(input, tensorReducer);
            clock.feedForward(System.nanoTime() - start);
            return result;
        }
    }
}
