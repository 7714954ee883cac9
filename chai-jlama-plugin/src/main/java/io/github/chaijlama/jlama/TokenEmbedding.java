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

    /**
     * Creates the embedding of a model.
     *
     * @param table {@code (vocabularySize, hiddenSize)}, F32 or BF16
     */
    TokenEmbedding(AbstractModel model, AbstractTensor<?, ?> table) {
        this.model = model;
        this.table = table;
    }

    /** Returns the rows of some tokens, {@code (count, hiddenSize)}; the caller closes them. */
    AbstractTensor<?, ?> rows(int[] tokens, int from, int count) {
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
        return rows;
    }

    /** A bfloat16 is the upper half of a 32-bit float. */
    private static void copyBfloat16(MemorySegment in, long inOffset, MemorySegment out, long outOffset, int length) {
        for (int i = 0; i < length; i++) {
            short half = in.getAtIndex(JAVA_SHORT_UNALIGNED, inOffset + i);
            out.setAtIndex(JAVA_FLOAT_UNALIGNED, outOffset + i, Float.intBitsToFloat(half << 16));
        }
    }
}
