// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.functions.FeedForward;
import com.github.tjake.jlama.tensor.AbstractTensor;

import io.github.chaijlama.jlama.JlamaAccess.MoeWeights;
import io.github.chaijlama.jlama.MatrixProducts.Product;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * A mixture of experts: for every row a router chooses some feed-forward networks and their outputs are summed,
 * weighted by the router's probabilities among the chosen (arXiv:2401.04088). Takes the place of Jlama's
 * {@code MoEBlock}, which sums them unweighted, writes every row of a batch into the first, and keeps the request in
 * fields. Rows that chose the same expert are multiplied together.
 */
final class StatelessMoe implements FeedForward {
    private final AbstractModel model;
    private final MoeWeights weights;
    private final SwapResources resources;

    /**
     * What a router chose.
     *
     * @param rows    rows that chose the expert
     * @param weights weight of each
     * @param count   how many
     */
    private record Choice(int[] rows, float[] weights, int[] count) {
        Choice(int most) {
            this(new int[most], new float[most], new int[1]);
        }

        void add(int row, double weight) {
            rows[count[0]] = row;
            weights[count[0]++] = (float) weight;
        }

        int size() {
            return count[0];
        }
    }

    StatelessMoe(AbstractModel model, MoeWeights weights, SwapResources resources) {
        this.model = model;
        this.weights = weights;
        this.resources = resources;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public AbstractTensor forward(AbstractTensor input, Optional<Consumer<List<AbstractTensor>>> tensorReducer) {
        ReentrantLock lock = resources.lock();
        lock.lock();
        try {
            return forward(input);
        } finally {
            lock.unlock();
        }
    }

    private AbstractTensor<?, ?> forward(AbstractTensor<?, ?> input) {
        int rows = input.shape().first();
        int hiddenSize = model.getConfig().embeddingLength;
        AbstractTensor<?, ?> result = model.makeDenseTensor(rows, hiddenSize);
        result.getMemorySegment().fill((byte) 0);
        Choice[] choices = route(input, rows, hiddenSize);
        for (int expert = 0; expert < choices.length; expert++) {
            if (choices[expert].size() > 0) {
                add(result, input, expert, choices[expert], hiddenSize);
            }
        }
        return result;
    }

    private Choice[] route(AbstractTensor<?, ?> input, int rows, int hiddenSize) {
        int experts = weights.gate().length;
        AbstractTensor<?, ?> scores = resources.router(experts).tensor(rows);
        resources.products().multiply(input, hiddenSize, List.of(Product.whole(scores, weights.router())));
        Choice[] choices = new Choice[experts];
        for (int expert = 0; expert < experts; expert++) {
            choices[expert] = new Choice(rows);
        }
        double[] probabilities = new double[experts];
        for (int row = 0; row < rows; row++) {
            for (int expert = 0; expert < experts; expert++) {
                probabilities[expert] = scores.getMemorySegment().getAtIndex(JAVA_FLOAT_UNALIGNED,
                        (long) row * experts + expert);
            }
            choose(probabilities, row, choices);
        }
        return choices;
    }

    /** The softmax over all experts, cut to the chosen and made to sum to 1, is the softmax over the chosen. */
    private void choose(double[] scores, int row, Choice[] choices) {
        int[] chosen = new int[weights.expertsPerToken()];
        boolean[] taken = new boolean[scores.length];
        for (int i = 0; i < chosen.length; i++) {
            int best = -1;
            for (int expert = 0; expert < scores.length; expert++) {
                if (!taken[expert] && (best < 0 || scores[expert] > scores[best])) {
                    best = expert;
                }
            }
            taken[best] = true;
            chosen[i] = best;
        }
        double sum = 0;
        for (int expert : chosen) {
            sum += Math.exp(scores[expert] - scores[chosen[0]]);
        }
        for (int expert : chosen) {
            choices[expert].add(row, Math.exp(scores[expert] - scores[chosen[0]]) / sum);
        }
    }

    /** Adds what one expert makes of the rows that chose it. */
    private void add(AbstractTensor<?, ?> result, AbstractTensor<?, ?> input, int expert, Choice choice,
            int hiddenSize) {
        int rows = choice.size();
        int intermediateSize = model.getConfig().hiddenLength;
        long rowBytes = (long) hiddenSize * Float.BYTES;
        AbstractTensor<?, ?> gathered = resources.expertInput().tensor(rows);
        for (int i = 0; i < rows; i++) {
            MemorySegment.copy(input.getMemorySegment(), choice.rows()[i] * rowBytes, gathered.getMemorySegment(),
                    i * rowBytes, rowBytes);
        }
        MatrixProducts products = resources.products();
        AbstractTensor<?, ?> gate = resources.gate().tensor(rows);
        AbstractTensor<?, ?> up = resources.up().tensor(rows);
        products.multiply(gathered, hiddenSize, List.of(Product.whole(gate, weights.gate()[expert]),
                Product.whole(up, weights.up()[expert])));
        StatelessMlp.activate(resources.workers(), weights.activation(), gate.getMemorySegment(), up.getMemorySegment(),
                (long) rows * intermediateSize);
        AbstractTensor<?, ?> output = resources.expertOutput().tensor(rows);
        products.multiplyQuantized(model, gate, intermediateSize, Product.whole(output, weights.down()[expert]));
        for (int i = 0; i < rows; i++) {
            addRow(result.getMemorySegment(), (long) choice.rows()[i] * hiddenSize, output.getMemorySegment(),
                    (long) i * hiddenSize, choice.weights()[i], hiddenSize);
        }
    }

    private static void addRow(MemorySegment result, long to, MemorySegment row, long from, float weight, int length) {
        for (int i = 0; i < length; i++) {
            float sum = result.getAtIndex(JAVA_FLOAT_UNALIGNED, to + i)
                    + weight * row.getAtIndex(JAVA_FLOAT_UNALIGNED, from + i);
            result.setAtIndex(JAVA_FLOAT_UNALIGNED, to + i, sum);
        }
    }
}
