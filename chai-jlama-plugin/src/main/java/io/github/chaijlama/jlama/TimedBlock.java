// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.CausalSelfAttention;
import com.github.tjake.jlama.model.MLPBlock;
import com.github.tjake.jlama.model.TransformerBlock;
import com.github.tjake.jlama.model.functions.FeedForward;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

import io.github.chaijlama.decoder.StepClock;
import io.github.chaijlama.jlama.JlamaAccess.AttentionWeights;
import io.github.chaijlama.jlama.JlamaAccess.BlockParts;
import io.github.chaijlama.jlama.JlamaAccess.MlpWeights;
import io.github.chaijlama.weight.Weight;

/**
 * A layer of Jlama's that reports its time, and its attention's and feed-forward network's, to a {@link StepClock}. The
 * products of Jlama's attention cannot be seen from outside, so they are run a second time, on the same rows, weights
 * and operators, outside the step's time, and subtracted: after every step of one token, and after the first batch of
 * each size. Where attention is a small part of a layer, the difference is as uncertain as the products' own spread.
 */
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
        Repeated repeated = new Repeated(clock);
        for (int layer = 0; layer < blocks.length; layer++) {
            BlockParts parts = JlamaAccess.parts(blocks[layer]);
            blocks[layer] = new TimedBlock(model, layer, parts,
                    new TimedAttention(model, layer, parts.attention(), clock, repeated),
                    TimedFeedForward.of(parts.feedForward(), clock), clock);
        }
    }

    @Override
    @SuppressWarnings("rawtypes")
    public AbstractTensor forward(AbstractTensor input, int position, KvBuffer buffer,
            Optional<Consumer<List<AbstractTensor>>> tensorReducer) {
        long pausedBefore = clock.pausedNanos();
        long start = System.nanoTime();
        AbstractTensor result = super.forward(input, position, buffer, tensorReducer);
        clock.block(layer, System.nanoTime() - start - (clock.pausedNanos() - pausedBefore));
        return result;
    }

    /** The times of repeated products by their number of rows, since the clock was reset. */
    private static final class Repeated {
        private final StepClock clock;
        private final Map<Integer, Long> nanos = new HashMap<>();
        private int resets;

        Repeated(StepClock clock) {
            this.clock = clock;
        }

        long of(int rows, LongSupplier measurement) {
            if (resets != clock.resets()) {
                nanos.clear();
                resets = clock.resets();
            }
            if (rows == 1 || !nanos.containsKey(rows)) {
                long start = System.nanoTime();
                nanos.put(rows, measurement.getAsLong());
                clock.pause(System.nanoTime() - start);
            }
            return nanos.get(rows);
        }
    }

    /** Reports the time of an attention, its products apart. */
    private static final class TimedAttention extends CausalSelfAttention {
        private final int layer;
        private final CausalSelfAttention timed;
        private final StepClock clock;
        private final StockProjections projections;
        private final List<Weight> matrices;
        private final Repeated repeated;

        TimedAttention(AbstractModel model, int layer, CausalSelfAttention timed, StepClock clock,
                Repeated repeated) {
            this(model, layer, timed, JlamaAccess.weights(timed), clock, repeated);
        }

        @SuppressWarnings({ "unchecked", "rawtypes" })
        private TimedAttention(AbstractModel model, int layer, CausalSelfAttention timed, AttentionWeights weights,
                StepClock clock, Repeated repeated) {
            super(model, layer, (Optional<AbstractTensor>) (Optional) weights.queryBias(),
                    (Optional<AbstractTensor>) (Optional) weights.keyBias(),
                    (Optional<AbstractTensor>) (Optional) weights.valueBias(), weights.query(), weights.key(),
                    weights.value(), (Optional<AbstractTensor>) (Optional) weights.outputBias(), weights.output());
            this.layer = layer;
            this.timed = timed;
            this.clock = clock;
            this.projections = new StockProjections(model, weights);
            this.matrices = weights(Stream.of(weights.query(), weights.key(), weights.value(), weights.output()));
            this.repeated = repeated;
        }

        @Override
        @SuppressWarnings("rawtypes")
        public AbstractTensor forward(AbstractTensor input, int position, KvBuffer buffer,
                Optional<Consumer<List<AbstractTensor>>> tensorReducer) {
            long start = System.nanoTime();
            AbstractTensor result = timed.forward(input, position, buffer, tensorReducer);
            long nanos = System.nanoTime() - start;
            long products = repeated.of(input.shape().first(), () -> projections.run(input));
            clock.attention(layer, nanos - products);
            clock.projections(products);
            clock.products(products);
            matrices.forEach(matrix -> clock.product(input.shape().first(), matrix, matrix.rows()));
            return result;
        }
    }

    private static List<Weight> weights(Stream<AbstractTensor<?, ?>> tensors) {
        return tensors.map(tensor -> JlamaTensors.weight("stock", tensor)).toList();
    }

    /** Reports the time of a feed-forward network, all of which counts for its products: they cannot be seen. */
    private record TimedFeedForward(FeedForward timed, List<Weight> matrices, StepClock clock)
            implements
                FeedForward {
        static TimedFeedForward of(FeedForward timed, StepClock clock) {
            if (!(timed instanceof MLPBlock block)) { // experts, which Jlama gets wrong: nobody loads such a model
                return new TimedFeedForward(timed, List.of(), clock);
            }
            MlpWeights own = JlamaAccess.weights(block);
            return new TimedFeedForward(timed,
                    weights(Stream.concat(Stream.of(own.gate(), own.down()), own.up().stream())), clock);
        }

        @Override
        @SuppressWarnings("rawtypes")
        public AbstractTensor forward(AbstractTensor input, Optional<Consumer<List<AbstractTensor>>> tensorReducer) {
            long start = System.nanoTime();
            AbstractTensor result = timed.forward(input, tensorReducer);
            long nanos = System.nanoTime() - start;
            clock.feedForward(nanos);
            clock.products(nanos);
            matrices.forEach(matrix -> clock.product(input.shape().first(), matrix, matrix.rows()));
            return result;
        }
    }
}
