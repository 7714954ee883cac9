// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import io.github.chaijlama.jlama.JlamaSequence;
import io.github.chaijlama.model.ModelConfig;

/** A sequence of a {@link StockModel}: Jlama's own cache can neither be cut back nor tells what it holds. */
public final class StockSession implements TokenSession {
    private final ModelConfig config;
    private final JlamaSequence sequence;

    StockSession(ModelConfig config, JlamaSequence sequence) {
        this.config = config;
        this.sequence = sequence;
    }

    @Override
    public float[] feed(int... tokens) {
        SessionChecks.requireFeedable(config, length(), tokens);
        return SessionChecks.requireFinite(sequence.feed(tokens))[0];
    }

    @Override
    public float[][] feedAll(int... tokens) {
        SessionChecks.requireFeedable(config, length(), tokens);
        return SessionChecks.requireFinite(sequence.feedAll(tokens));
    }

    @Override
    public int length() {
        return sequence.length();
    }

    @Override
    public void close() {
        sequence.close();
    }
}
