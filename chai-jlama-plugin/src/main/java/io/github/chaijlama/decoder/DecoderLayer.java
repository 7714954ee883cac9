// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import io.github.chaijlama.attention.AttentionPart;
import io.github.chaijlama.attention.HeadRun;
import io.github.chaijlama.attention.HeadScores;
import io.github.chaijlama.attention.LayerAttention;
import io.github.chaijlama.attention.RotaryEmbedding;
import io.github.chaijlama.attention.SequenceRows;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.AttentionConfig;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.model.LayerConfig;
import io.github.chaijlama.model.QueryGain;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightSource;

/**
 * A layer of a model: everything that happens to the rows of a step in it, in the order of the papers
 * (arXiv:1706.03762 with norms before, arXiv:2403.08058 for clustered heads). What families do differently is in its
 * parts. Holds nothing of a request; one step at a time.
 */
class DecoderLayer {
    private final int layer;
    private final HeadLayout heads;
    private final HeadScores scores;
    private final Norm attentionNorm;
    private final Linear query;
    /** Empty where the layer uses keys and values of an earlier one. */
    private final Optional<OwnKv> kv;
    private final HeadNorm queryNorm;
    private final Optional<RotaryEmbedding> rotary;
    private final Optional<QueryGain> queryGain;
    private final LayerAttention attention;
    private final Linear output;
    private final Norm afterAttentionNorm;
    private final Norm feedForwardNorm;
    private final FeedForward feedForward;
    private final Norm afterFeedForwardNorm;
    private final Norm attentionSumNorm;
    private final Norm feedForwardSumNorm;
    private final float residualMultiplier;
    private final Optional<TokenInput> tokenInput;
    private final float scale;
    private final StepTools tools;

    /**
     * Creates a layer.
     *
     * @param layer     its number, from 0
     * @param attention the attention of layers with its heads
     * @param rotary    the model's rotary embedding for this layer, if it has one
     */
    DecoderLayer(int layer, LayerConfig config, WeightSource weights, LayerAttention attention,
            Optional<RotaryEmbedding> rotary, StepTools tools) {
        AttentionConfig attentionConfig = config.attention();
        this.layer = layer;
        this.heads = attentionConfig.heads();
        this.scores = attentionConfig.sinks()
                .map(sinks -> HeadScores.withSinks(attentionConfig.scores(), weights.weight(sinks).floats()))
                .orElseGet(() -> HeadScores.of(attentionConfig.scores(), heads.numberOfHeads()));
        this.attentionNorm = Norm.of(config.attentionNorm(), weights, tools);
        this.query = Linear.of(attentionConfig.query(), weights);
        this.kv = OwnKv.of(attentionConfig.kv(), heads, weights, tools);
        this.queryNorm = HeadNorm.of(attentionConfig.queryNorm(), heads.numberOfHeads(), heads.headSize(), weights,
                tools);
        this.rotary = rotary;
        this.queryGain = attentionConfig.queryGain();
        this.attention = attention;
        this.output = Linear.of(attentionConfig.output(), weights);
        this.afterAttentionNorm = Norm.of(config.afterAttentionNorm(), weights, tools);
        this.feedForwardNorm = Norm.of(config.feedForwardNorm(), weights, tools);
        this.feedForward = FeedForward.of(config.feedForward(), weights, tools);
        this.afterFeedForwardNorm = Norm.of(config.afterFeedForwardNorm(), weights, tools);
        this.attentionSumNorm = Norm.of(config.attentionSumNorm(), weights, tools);
        this.feedForwardSumNorm = Norm.of(config.feedForwardSumNorm(), weights, tools);
        this.residualMultiplier = config.residualMultiplier();
        this.tokenInput = config.tokenInput().map(input -> TokenInput.of(layer, input, weights, tools));
        this.scale = config.scale().map(factor -> weights.weight(factor).floats()[0]).orElse(1f);
        this.tools = tools;
    }

    /**
     * Runs the layer.
     *
     * @param sequences whose rows they are, and at which positions
     * @param x         in and out, {@code (row, hiddenSize)}
     * @param inputs    what tokens say to every layer, {@code (row, layer, size)}, where the family has that
     */
    void forward(List<SequenceRows> sequences, Rows x, Optional<Rows> inputs) {
        int rows = x.count();
        Rows normed = tools.scratch().normed.rows(rows, x.columns()); // (row, hiddenSize)
        Rows change = tools.scratch().change.rows(rows, x.columns()); // (row, hiddenSize)
        Rows queries = tools.scratch().queries.rows(rows, heads.queryLength()); // (row, head, headSize)
        Rows keys = tools.scratch().keys.rows(rows, heads.kvLength()); // (row, kvHead, headSize)
        Rows values = tools.scratch().values.rows(rows, heads.kvLength()); // (row, kvHead, headSize)
        Rows attended = tools.scratch().attended.rows(rows, heads.queryLength()); // (row, head, headSize)

        Rows input = attentionNorm.apply(x, normed);
        for (int row = 0; row < rows;) {
            AttentionPart part = attention.part(sequences, layer, row);
            project(part, input, queries, keys, values);
            normAndRotate(part, queries, keys, values);
            attend(part, queries, keys, values, attended);
            row += part.rows();
        }
        output(attended, change);
        addTo(x, afterAttentionNorm.apply(change, normed));
        attentionSumNorm.apply(x, x);

        feedForward(feedForwardNorm.apply(x, normed), change);
        addTo(x, afterFeedForwardNorm.apply(change, normed));
        feedForwardSumNorm.apply(x, x);

        tokenInput.ifPresent(own -> addTo(x, own.forward(x, inputs.orElseThrow(), change, normed)));
        scale(x);
    }

    /** Projects the queries and keys of the heads that are needed, and all values. */
    void project(AttentionPart part, Rows input, Rows queries, Rows keys, Rows values) {
        Rows q = queries.rows(part.firstRow(), part.rows());
        Rows k = keys.rows(part.firstRow(), part.rows());
        Rows v = values.rows(part.firstRow(), part.rows());
        List<HeadRun> queryHeads = queryNorm.projected(part.queryRuns());
        List<Product> products = new ArrayList<>();
        for (HeadRun run : queryHeads) {
            products.add(new Product(q, query.weight(), run.first() * heads.headSize(),
                    run.count() * heads.headSize()));
        }
        kv.ifPresent(own -> own.addProducts(part, k, v, products));
        tools.products().multiply(input.rows(part.firstRow(), part.rows()), products);
        query.addBias(q, queryHeads, heads.headSize(), tools);
        kv.ifPresent(own -> own.complete(part, k, v));
    }

    /** Norms queries, keys and values, where the family does, and turns queries and keys by their positions. */
    void normAndRotate(AttentionPart part, Rows queries, Rows keys, Rows values) {
        List<HeadRun> queryHeads = part.queryRuns();
        List<HeadRun> keyHeads = part.keyRuns();
        Rows q = queries.rows(part.firstRow(), part.rows());
        Rows k = keys.rows(part.firstRow(), part.rows());
        queryNorm.apply(q, queryHeads);
        kv.ifPresent(own -> own.norm(part, k, values.rows(part.firstRow(), part.rows())));
        rotary.ifPresent(angles -> tools.forEachRow(q, row -> {
            angles.rotate(q.rows(row, 1), part.position(row), part.isStretched(row), queryHeads);
            angles.rotate(k.rows(row, 1), part.position(row), part.isStretched(row), keyHeads);
        }));
        queryGain.ifPresent(gain -> tools.forEachRow(q, row -> tools.kernels().multiply(q.memory(), q.at(row),
                gain.at(part.position(row)), q.columns())));
    }

    /** Stores keys and values, attends, and lets those look who decide which heads belong together. */
    void attend(AttentionPart part, Rows queries, Rows keys, Rows values, Rows attended) {
        attention.attend(part, layer, scores, queries, keys, values, attended);
        attention.observe(part, layer, scores, queries);
    }

    void output(Rows attended, Rows out) {
        output.forward(attended, out, tools);
    }

    void feedForward(Rows input, Rows out) {
        feedForward.forward(input, out);
    }

    private void addTo(Rows x, Rows change) {
        tools.forEachRow(x, row -> tools.kernels().add(x.memory(), x.at(row), change.memory(), change.at(row),
                residualMultiplier, x.columns()));
    }

    private void scale(Rows x) {
        if (scale != 1) {
            tools.forEachRow(x, row -> tools.kernels().multiply(x.memory(), x.at(row), scale, x.columns()));
        }
    }

    /** Returns the matrix of the output projection, {@code (hiddenSize, head * headSize)}. */
    Weight outputWeight() {
        return output.weight();
    }
}
