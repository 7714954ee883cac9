// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.TransformerBlock;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

import io.github.chaijlama.attention.SequenceRows;
import io.github.chaijlama.decoder.LayerStack;
import io.github.chaijlama.jlama.JlamaAccess.BlockParts;
import io.github.chaijlama.kernel.Rows;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * Stands in a Jlama model where one of its layers was, and runs ours. Holds nothing of a request; the key/value buffer
 * that Jlama passes along only tells which sequence is meant.
 */
final class SwappedBlock extends TransformerBlock {
    private final AbstractModel model;
    private final int layer;
    private final AttentionSwap swap;

    /**
     * Creates a block.
     *
     * @param layer position in the model's array; Jlama's own index is relative in some families and absolute in others
     * @param parts of the block it takes the place of
     */
    SwappedBlock(AbstractModel model, int layer, BlockParts parts, AttentionSwap swap) {
        super(model, layer, parts.preAttentionNorm(), parts.attention(), parts.postAttentionNorm(),
                parts.preFeedForwardNorm(), parts.feedForward(), parts.postFeedForwardNorm(), parts.preResponseNorm());
        this.model = model;
        this.layer = layer;
        this.swap = swap;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public AbstractTensor forward(AbstractTensor input, int position, KvBuffer buffer,
            Optional<Consumer<List<AbstractTensor>>> tensorReducer) {
        if (tensorReducer.isPresent()) {
            throw new UnsupportedOperationException("a model split over several machines cannot run these layers");
        }
        LayerStack layers = swap.layers();
        ReentrantLock lock = layers.lock();
        lock.lock();
        try {
            int count = input.shape().first();
            List<SequenceRows> sequences = swap.rowsFor(buffer, layer, position, count);
            Rows rows = layers.rows(count);
            read(input, rows);
            layers.forward(layer, sequences, rows);
            AbstractTensor<?, ?> result = model.makeDenseTensor(count, rows.columns());
            write(rows, result);
            swap.layerDone(sequences, layer);
            return result;
        } finally {
            lock.unlock();
        }
    }

    private static void read(AbstractTensor<?, ?> tensor, Rows rows) {
        for (int row = 0; row < rows.count(); row++) {
            for (int i = 0; i < rows.columns(); i++) {
                rows.memory().setAtIndex(JAVA_FLOAT, rows.at(row) + i, tensor.get(row, i));
            }
        }
    }

    private static void write(Rows rows, AbstractTensor<?, ?> tensor) {
        for (int row = 0; row < rows.count(); row++) {
            for (int i = 0; i < rows.columns(); i++) {
                tensor.set(rows.memory().getAtIndex(JAVA_FLOAT, rows.at(row) + i), row, i);
            }
        }
    }
}
