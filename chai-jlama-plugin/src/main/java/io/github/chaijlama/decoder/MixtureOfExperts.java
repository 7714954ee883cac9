// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.FeedForwardConfig;
import io.github.chaijlama.model.FeedForwardConfig.Routing;
import io.github.chaijlama.weight.WeightSource;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * A mixture of experts: for every row a router chooses some feed-forward networks and their outputs are summed,
 * weighted by the router's probabilities, among the chosen (arXiv:2401.04088) or among all. Rows that chose the
 * same expert are multiplied together.
 *
 * @param routerNorm norm of the rows that the router gets
 * @param multiplier factor of its scores
 * @param shares     factor of each expert's weight
 * @param norm       norm of the rows that experts get
 */
record MixtureOfExperts(Norm routerNorm, Linear router, float multiplier, float[] shares, int expertsPerToken,
        Routing routing, Norm norm, List<Mlp> experts, StepTools tools) implements FeedForward {

    static MixtureOfExperts of(FeedForwardConfig.Experts config, WeightSource weights, StepTools tools) {
        FeedForwardConfig.Router router = config.router();
        return new MixtureOfExperts(Norm.of(router.norm(), weights, tools), Linear.of(router.projection(), weights),
                router.multiplier(), router.shares().map(shares -> weights.weight(shares).floats())
                        .orElseGet(() -> ones(config.experts().size())),
                config.expertsPerToken(), config.routing(), Norm.of(config.norm(), weights, tools),
                config.experts().stream().map(expert -> Mlp.of(expert, weights, tools)).toList(), tools);
    }

    private static float[] ones(int count) {
        float[] ones = new float[count];
        Arrays.fill(ones, 1);
        return ones;
    }

    /** The rows that chose an expert, and the weight of each. */
    private static final class Choice {
        private final int[] rows;
        private final float[] weights;
        private int size;

        Choice(int most) {
            rows = new int[most];
            weights = new float[most];
        }

        void add(int row, double weight) {
            rows[size] = row;
            weights[size++] = (float) weight;
        }
    }

    @Override
    public void forward(Rows in, Rows out) {
        out.memory().asSlice(0, (long) out.count() * out.columns() * Float.BYTES).fill((byte) 0);
        Rows normed = tools.scratch().expertNormed.rows(in.count(), in.columns());
        Choice[] choices = route(routerNorm.apply(in, normed));
        Rows expertsIn = norm.apply(in, normed);
        for (int expert = 0; expert < choices.length; expert++) {
            if (choices[expert].size > 0) {
                add(out, expertsIn, experts.get(expert), choices[expert]);
            }
        }
    }

    private Choice[] route(Rows in) {
        Rows scores = tools.scratch().routing.rows(in.count(), experts.size()); // (row, expert)
        router.forward(in, scores, tools);
        Choice[] choices = new Choice[experts.size()];
        for (int expert = 0; expert < choices.length; expert++) {
            choices[expert] = new Choice(in.count());
        }
        double[] ofRow = new double[choices.length];
        for (int row = 0; row < in.count(); row++) {
            for (int expert = 0; expert < ofRow.length; expert++) {
                ofRow[expert] = multiplier
                        * scores.memory().getAtIndex(JAVA_FLOAT_UNALIGNED, scores.at(row) + expert);
            }
            choose(ofRow, row, choices);
        }
        return choices;
    }

    /** The softmax over all experts, cut to the chosen and made to sum to 1, is the softmax over the chosen. */
    private void choose(double[] scores, int row, Choice[] choices) {
        int[] chosen = new int[expertsPerToken];
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
        switch (routing) {
            case AMONG_CHOSEN -> {
                for (int expert : chosen) {
                    sum += Math.exp(scores[expert] - scores[chosen[0]]);
                }
            }
            case AMONG_ALL -> {
                for (double score : scores) {
                    sum += Math.exp(score - scores[chosen[0]]);
                }
            }
        }
        for (int expert : chosen) {
            choices[expert].add(row, shares[expert] * Math.exp(scores[expert] - scores[chosen[0]]) / sum);
        }
    }

    /** Adds what one expert makes of the rows that chose it. */
    private void add(Rows out, Rows in, Mlp expert, Choice choice) {
        Rows gathered = tools.scratch().expertInput.rows(choice.size, in.columns());
        long rowBytes = (long) in.columns() * Float.BYTES;
        for (int i = 0; i < choice.size; i++) {
            MemorySegment.copy(in.memory(), choice.rows[i] * rowBytes, gathered.memory(), i * rowBytes, rowBytes);
        }
        Rows output = tools.scratch().expertOutput.rows(choice.size, out.columns());
        expert.forward(gathered, output);
        for (int i = 0; i < choice.size; i++) {
            tools.kernels().add(out.memory(), out.at(choice.rows[i]), output.memory(), output.at(i), choice.weights[i],
                    out.columns());
        }
    }
}
