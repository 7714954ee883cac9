// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.EmbeddingConfig;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightRows;
import io.github.chaijlama.weight.WeightSource;

/** Looks the rows of tokens up, and those of their positions where these are learned. */
final class TokenEmbedding {
    private final StepTools tools;
    private final WeightRows table;
    private final Optional<Linear> projection;
    private final Optional<WeightRows> positions;
    private final float multiplier;

    TokenEmbedding(EmbeddingConfig config, WeightSource weights, StepTools tools) {
        Weight tokens = weights.weight(config.tokens());
        this.tools = tools;
        this.table = new WeightRows(tokens);
        this.projection = config.projection().map(linear -> Linear.of(linear, weights));
        this.positions = config.positions().map(part -> new WeightRows(weights.weight(part)));
        this.multiplier = config.multiplyInTableType() ? inTypeOf(tokens, config.multiplier()) : config.multiplier();
    }

    /** Returns a factor as the type of a table has it. */
    static float inTypeOf(Weight table, float factor) {
        return table.format() == WeightFormat.BF16 ? roundedToBfloat16(factor) : factor;
    }

    /** Rounds to the nearest number of 8 bits precision, half to even. */
    private static float roundedToBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return Float.intBitsToFloat(bits + 0x7FFF + (bits >>> 16 & 1) & 0xFFFF0000);
    }

    /**
     * Returns where tokens are looked up: the rows between layers, or shorter or longer ones.
     *
     * @param x {@code (row, hiddenSize)}
     */
    Rows rows(Rows x) {
        return projection.isEmpty() ? x : tools.scratch().embedded.rows(x.count(), projection.get().weight().columns());
    }

    /**
     * Looks a token up.
     *
     * @param out output, from {@link #rows}
     */
    void lookUp(int token, Rows out, int row) {
        table.decode(token, out.memory(), out.at(row));
        if (multiplier != 1) {
            tools.kernels().multiply(out.memory(), out.at(row), multiplier, out.columns());
        }
    }

    /** Brings rows that were looked up to the length of those between layers, where it is another. */
    void project(Rows embedded, Rows x) {
        projection.ifPresent(linear -> linear.forward(embedded, x, tools));
    }

    /** Adds what a position has learned, where positions are learned. */
    void addPosition(int position, Rows x, int row) {
        positions.ifPresent(rows -> {
            MemorySegment learned = tools.scratch().change.rows(1, x.columns()).memory();
            rows.decode(position, learned, 0);
            tools.kernels().add(x.memory(), x.at(row), learned, 0, 1, x.columns());
        });
    }
}
