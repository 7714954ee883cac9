// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.OutputConfig;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightSource;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/** Turns rows into logits: norm, product with the vocabulary, the model's own divisor and cap. One call at a time. */
public sealed class OutputHead implements AutoCloseable permits TimedHead {
    /** Rows per product: enough to read the weights seldom, few enough for a vocabulary of 128,000 in 16 MiB. */
    private static final int MAX_ROWS = 32;

    private final OutputConfig config;
    private final Norm norm;
    private final Optional<Linear> projection;
    private final Weight weight;
    private final StepTools tools;

    OutputHead(ModelConfig config, WeightSource weights, StepTools tools) {
        this.config = config.output();
        this.norm = Norm.of(this.config.norm(), weights, tools);
        this.projection = this.config.projection().map(linear -> Linear.of(linear, weights));
        this.weight = weights.weight(this.config.weight().orElse(config.embedding().tokens()));
        this.tools = tools;
    }

    /**
     * Creates an output that works for itself: for rows that come from elsewhere.
     *
     * @param clock told how long it takes, if anybody measures
     */
    public static OutputHead of(ModelConfig config, WeightSource weights, MatrixProducts products, WorkerPool workers,
            Optional<StepClock> clock) {
        return of(config, weights, new StepTools(products, KernelProvider.rows(), workers, new StepScratch()), clock);
    }

    static OutputHead of(ModelConfig config, WeightSource weights, StepTools tools, Optional<StepClock> clock) {
        return clock.<OutputHead>map(present -> new TimedHead(config, weights, tools, present))
                .orElseGet(() -> new OutputHead(config, weights, tools));
    }

    /**
     * Calculates the logits of some rows.
     *
     * @param rows   {@code (row, hiddenSize)}
     * @param result where the logits of each row go, {@code (row, vocabularySize)}, before temperature
     * @param offset where those of row 0 go
     */
    public void logits(Rows rows, float[][] result, int offset) {
        for (int row = 0; row < rows.count(); row += MAX_ROWS) {
            product(rows.rows(row, Math.min(MAX_ROWS, rows.count() - row)), result, offset + row);
        }
    }

    void product(Rows rows, float[][] result, int offset) {
        Rows normed = project(norm.apply(rows, tools.scratch().normed.rows(rows.count(), rows.columns())));
        Rows logits = tools.scratch().logits.rows(rows.count(), weight.rows()); // (row, vocabularySize)
        tools.products().multiply(normed, List.of(Product.whole(logits, weight)));
        long rowBytes = (long) logits.columns() * Float.BYTES;
        for (int row = 0; row < rows.count(); row++) {
            float[] values = logits.memory().asSlice(row * rowBytes, rowBytes).toArray(JAVA_FLOAT_UNALIGNED);
            scaleAndCap(values);
            result[offset + row] = values;
        }
    }

    /** Brings rows to the length of the vocabulary's, where it is another. */
    private Rows project(Rows rows) {
        if (projection.isEmpty()) {
            return rows;
        }
        Rows projected = tools.scratch().embedded.rows(rows.count(), weight.columns()); // (row, width)
        projection.get().forward(rows, projected, tools);
        return projected;
    }

    private void scaleAndCap(float[] values) {
        if (config.divisor() != 1) {
            for (int i = 0; i < values.length; i++) {
                values[i] /= config.divisor();
            }
        }
        float cap = config.softCap();
        if (cap > 0) {
            for (int i = 0; i < values.length; i++) {
                values[i] = cap * (float) Math.tanh(values[i] / cap);
            }
        }
    }

    /** Frees the memory of an output that works for itself. */
    @Override
    public void close() {
        tools.scratch().close();
    }
}
