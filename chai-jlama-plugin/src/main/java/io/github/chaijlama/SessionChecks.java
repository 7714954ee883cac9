// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import io.github.chaijlama.model.BrokenModelException;
import io.github.chaijlama.model.ModelConfig;

/** What is checked of tokens before a model sees them, and of logits before anybody else does. */
final class SessionChecks {
    private SessionChecks() {}

    static void requireFeedable(ModelConfig config, int length, int[] tokens) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("there is no token to feed");
        }
        requireTokens(config, tokens);
        if (tokens.length > config.contextLength() - length) {
            throw new ContextLengthException(length + tokens.length, config.contextLength());
        }
    }

    static void requireTokens(ModelConfig config, int[] tokens) {
        for (int token : tokens) {
            if (token < 0 || token >= config.vocabularySize()) {
                throw new IllegalArgumentException(
                        "tokens must be 0 to " + (config.vocabularySize() - 1) + ", found " + token);
            }
        }
    }

    static float[][] requireFinite(float[]... rows) {
        for (float[] logits : rows) {
            BrokenModelException.requireFinite("logits", logits);
        }
        return rows;
    }
}
