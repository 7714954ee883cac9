// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.MemorySegment;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.tensor.AbstractTensor;

/**
 * Looks tokens up in the embedding matrix. Jlama's own look-up keeps a slice object for every token it ever saw, and loses a
 * tensor of its cache per token of a BF16 model.
 */
final class TokenEmbedding {
    private final AbstractModel model;
    private final RowDecoder table;
    private final int columns;

    /**
     * Creates the embedding of a model.
     *
     * @param table {@code (vocabularySize, hiddenSize)} of any type
     */
    TokenEmbedding(AbstractModel model, AbstractTensor<?, ?> table) {
        this.model = model;
        this.table = RowDecoder.of(table);
        this.columns = table.shape().last();
    }

    /** Returns the rows of some tokens, {@code (count, hiddenSize)}; the caller closes them. */
    AbstractTensor<?, ?> rows(int[] tokens, int from, int count) {
        AbstractTensor<?, ?> rows = model.makeDenseTensor(count, columns);
        MemorySegment out = rows.getMemorySegment();
        for (int i = 0; i < count; i++) {
            table.decode(tokens[from + i], out, (long) i * columns);
        }
        return rows;
    }
}
