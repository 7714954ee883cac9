// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.MemorySegment;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * Looks tokens up in the embedding matrix. Jlama's own look-up keeps a slice object for every token it ever saw, and
 * loses a tensor of its cache per token of a BF16 model.
 */
final class TokenEmbedding {
    private final AbstractModel model;
    private final RowDecoder table;
    private final int columns;
    private final RowDecoder positions;
    private final float multiplier;

    /**
     * Creates the embedding of a model.
     *
     * @param table      {@code (vocabularySize, hiddenSize)} of any type
     * @param positions  {@code (contextLength, hiddenSize)} of any type, added; null if positions are not embedded here
     * @param multiplier factor of the table's rows
     */
    TokenEmbedding(AbstractModel model, AbstractTensor<?, ?> table, AbstractTensor<?, ?> positions,
            float multiplier) {
        this.model = model;
        this.table = RowDecoder.of(table);
        this.columns = table.shape().last();
        this.positions = positions == null ? null : RowDecoder.of(positions);
        this.multiplier = multiplier;
    }

    /**
     * Returns the rows of some tokens, {@code (count, hiddenSize)}; the caller closes them.
     *
     * @param firstPosition position of the first of them in their sequence
     */
    AbstractTensor<?, ?> rows(int[] tokens, int from, int count, int firstPosition) {
        AbstractTensor<?, ?> rows = model.makeDenseTensor(count, columns);
        MemorySegment out = rows.getMemorySegment();
        for (int i = 0; i < count; i++) {
            table.decode(tokens[from + i], out, (long) i * columns);
        }
        if (multiplier != 1) {
            for (long i = 0; i < (long) count * columns; i++) {
                out.setAtIndex(JAVA_FLOAT_UNALIGNED, i, multiplier * out.getAtIndex(JAVA_FLOAT_UNALIGNED, i));
            }
        }
        if (positions != null) {
            addPositions(out, count, firstPosition);
        }
        return rows;
    }

    private void addPositions(MemorySegment out, int count, int firstPosition) {
        MemorySegment row = MemorySegment.ofArray(new float[columns]);
        for (int i = 0; i < count; i++) {
            positions.decode((long) firstPosition + i, row, 0);
            for (int column = 0; column < columns; column++) {
                long at = (long) i * columns + column;
                out.setAtIndex(JAVA_FLOAT_UNALIGNED, at, out.getAtIndex(JAVA_FLOAT_UNALIGNED, at)
                        + row.getAtIndex(JAVA_FLOAT_UNALIGNED, column));
            }
        }
    }
}
