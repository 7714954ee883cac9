// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.UUID;

import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

/** A sequence of tokens running through Jlama's own layers. Not thread-safe. */
public final class JlamaSequence implements AutoCloseable {
    private final JlamaModel model;
    private final UUID session;
    private final KvBufferCache cache;
    private final KvBuffer buffer;
    private int length;

    JlamaSequence(JlamaModel model, UUID session, KvBufferCache cache) {
        this.model = model;
        this.session = session;
        this.cache = cache;
        this.buffer = cache.getKvBuffer(session);
    }

    /**
     * Runs the model over more tokens, all within the vocabulary and the context.
     *
     * @return logits of the last token, {@code (vocabularySize)}
     */
    public float[] feed(int... tokens) {
        return run(tokens, false)[0];
    }

    /**
     * Runs the model over more tokens, all within the vocabulary and the context.
     *
     * @return logits of each token, {@code (tokens.length, vocabularySize)}
     */
    public float[][] feedAll(int... tokens) {
        return run(tokens, true);
    }

    private float[][] run(int[] tokens, boolean allLogits) {
        float[][] logits = model.run(tokens, length, buffer, allLogits);
        length += tokens.length;
        return logits;
    }

    /** Returns the tokens seen. */
    public int length() {
        return length;
    }

    @Override
    public void close() {
        model.end(session, cache);
    }
}
