// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.OptionalLong;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.ModelConfig;

/**
 * What keys and values take with exact attention, to compare with.
 *
 * @param bytesPerToken of all layers; empty where it is not the same for every token, because layers have a sliding
 *                      window, or not known, because Jlama's own attention keeps them
 */
record ExactCacheSize(OptionalLong bytesPerToken) {

    /** Returns that of a model. */
    static ExactCacheSize of(TokenModel model) {
        ModelConfig config = model.config();
        if (model.options().attention() == AttentionMode.STOCK || config.shortestWindow().isPresent()) {
            return new ExactCacheSize(OptionalLong.empty());
        }
        KvType type = model.options().kvCacheType();
        return new ExactCacheSize(OptionalLong.of(config.storedHeads().stream()
                .mapToLong(heads -> 2L * heads.numberOfKvHeads() * type.rowBytes(heads.headSize())).sum()));
    }

    /** Returns the bytes of that many tokens. */
    OptionalLong bytes(int tokens) {
        return bytesPerToken.isPresent() ? OptionalLong.of(bytesPerToken.getAsLong() * tokens) : OptionalLong.empty();
    }
}
