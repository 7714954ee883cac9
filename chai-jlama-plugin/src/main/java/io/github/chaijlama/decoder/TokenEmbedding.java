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
    private final Optional<WeightRows> positions;
    private final float multiplier;

    TokenEmbedding(EmbeddingConfig config, WeightSource weights, StepTools tools) {
        Weight tokens = weights.weight(config.tokens());
        this.tools = tools;
        this.table = new WeightRows(tokens);
        this.positions = config.positions().map(part -> new WeightRows(weights.weight(part)));
        this.multiplier = config.multiplyInTableType() && tokens.format() == WeightFormat.BF16
                ? roundedToBfloat16(config.multiplier())
                : config.multiplier();
    }

    /** Rounds to the nearest number of 8 bits precision, half to even. */
    private static float roundedToBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return Float.intBitsToFloat(bits + 0x7FFF + (bits >>> 16 & 1) & 0xFFFF0000);
    }

    /**
     * Looks a token up.
     *
     * @param position its position in its sequence
     * @param out      output, {@code (row, hiddenSize)}
     */
    void lookUp(int token, int position, Rows out, int row) {
        table.decode(token, out.memory(), out.at(row));
        if (multiplier != 1) {
            tools.kernels().multiply(out.memory(), out.at(row), multiplier, out.columns());
        }
        positions.ifPresent(rows -> {
            MemorySegment learned = tools.scratch().change.rows(1, out.columns()).memory();
            rows.decode(position, learned, 0);
            tools.kernels().add(out.memory(), out.at(row), learned, 0, 1, out.columns());
        });
    }
}
