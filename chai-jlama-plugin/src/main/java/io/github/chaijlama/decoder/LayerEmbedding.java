// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.List;

import io.github.chaijlama.attention.HeadRun;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.LayerEmbeddingConfig;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightRows;
import io.github.chaijlama.weight.WeightSource;

/** What tokens say to every layer: looked up, and added to what is made of their rows. */
final class LayerEmbedding {
    private final LayerEmbeddingConfig config;
    private final WeightRows table;
    private final float tableMultiplier;
    private final Linear projection;
    private final Norm norm;
    /** The layers' rows in that of a token. */
    private final List<HeadRun> layers;
    private final StepTools tools;

    LayerEmbedding(LayerEmbeddingConfig config, WeightSource weights, StepTools tools) {
        Weight tokens = weights.weight(config.tokens());
        this.config = config;
        this.table = new WeightRows(tokens);
        this.tableMultiplier = TokenEmbedding.inTypeOf(tokens, config.tableMultiplier());
        this.projection = Linear.of(config.projection(), weights);
        this.norm = Norm.of(config.norm(), weights, tools);
        this.layers = List.of(new HeadRun(0, tokens.columns() / config.size()));
        this.tools = tools;
    }

    /** Returns memory for a step, {@code (row, layer, size)}; what was returned before becomes invalid. */
    Rows rows(int count) {
        return tools.scratch().layerInputs.rows(count, projection.weight().rows());
    }

    /**
     * Looks a token up.
     *
     * @param out output, from {@link #rows}
     */
    void lookUp(int token, Rows out, int row) {
        table.decode(token, out.memory(), out.at(row));
        tools.kernels().multiply(out.memory(), out.at(row), tableMultiplier, out.columns());
    }

    /**
     * Adds what is made of the tokens' rows.
     *
     * @param x   input of the first layer, {@code (row, hiddenSize)}
     * @param out in and out, tokens that were looked up
     */
    void addProjected(Rows x, Rows out) {
        Rows projected = tools.scratch().layerProjections.rows(x.count(), out.columns()); // (row, layer, size)
        projection.forward(x, projected, tools);
        tools.forEachRow(projected, row -> tools.kernels().multiply(projected.memory(), projected.at(row),
                config.projectionMultiplier(), projected.columns()));
        norm.applyToHeads(projected, layers);
        tools.forEachRow(out, row -> {
            tools.kernels().add(out.memory(), out.at(row), projected.memory(), projected.at(row), 1, out.columns());
            tools.kernels().multiply(out.memory(), out.at(row), config.multiplier(), out.columns());
        });
    }
}
