// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.MemorySegment;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

/**
 * Looks tokens up in the embedding matrix. Jlama's own look-up keeps a slice object for every token it ever saw, and loses a
 * tensor of its cache per token of a BF16 model.
 */
final class TokenEmbedding {
    private final AbstractModel model;
    private final AbstractTensor<?, ?> table;
    private final AbstractTensor<?, ?> positions;
    private final float multiplier;

    /**
     * Creates the embedding of a model.
     *
     * @param table      {@code (vocabularySize, hiddenSize)}, F32 or BF16
     * @param positions  {@code (contextLength, hiddenSize)}, added; null if positions are not embedded here
     * @param multiplier factor of the table's rows
     */
    TokenEmbedding(AbstractModel model, AbstractTensor<?, ?> table, AbstractTensor<?, ?> positions,
            float multiplier) {
        this.model = model;
        this.table = table;
        this.positions = positions;
        this.multiplier = multiplier;
    }

    /**
     * Returns the rows of some tokens, {@code (count, hiddenSize)}; the caller closes them.
     *
     * @param firstPosition position of the first of them in their sequence
     */
    AbstractTensor<?, ?> rows(int[] tokens, int from, int count, int firstPosition) {
        int columns = table.shape().last();
        AbstractTensor<?, ?> rows = model.makeDenseTensor(count, columns);
        MemorySegment out = rows.getMemorySegment();
        for (int i = 0; i < count; i++) {
            long row = (long) tokens[from + i] * columns;
            if (table.dType() == DType.F32) {
                MemorySegment.copy(table.getMemorySegment(), row * Float.BYTES, out,
                        (long) i * columns * Float.BYTES, (long) columns * Float.BYTES);
            } else {
                copyBfloat16(table.getMemorySegment(), row, out, (long) i * columns, columns);
            }
        }
        if (multiplier != 1) {
            for (long i = 0; i < (long) count * columns; i++) {
                out.setAtIndex(JAVA_FLOAT_UNALIGNED, i, multiplier * out.getAtIndex(JAVA_FLOAT_UNALIGNED, i));
            }
        }
        if (positions != null) {
            addPositions(out, count, columns, firstPosition);
        }
        return rows;
    }

    private void addPositions(MemorySegment out, int count, int columns, int firstPosition) {
        for (int i = 0; i < count; i++) {
            for (int column = 0; column < columns; column++) {
                long at = (long) i * columns + column;
                out.setAtIndex(JAVA_FLOAT_UNALIGNED, at, out.getAtIndex(JAVA_FLOAT_UNALIGNED, at)
                        + positions.get(firstPosition + i, column));
            }
        }
    }

    /** A bfloat16 is the upper half of a 32-bit float. */
    private static void copyBfloat16(MemorySegment in, long inOffset, MemorySegment out, long outOffset, int length) {
        for (int i = 0; i < length; i++) {
            short half = in.getAtIndex(JAVA_SHORT_UNALIGNED, inOffset + i);
            out.setAtIndex(JAVA_FLOAT_UNALIGNED, outOffset + i, Float.intBitsToFloat(half << 16));
        }
    }
}
