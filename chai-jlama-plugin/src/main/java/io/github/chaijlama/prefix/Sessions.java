// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.prefix;

import java.util.Optional;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.TokenModel;

/** Where requests get their sessions from. Thread-safe. */
public sealed interface Sessions extends AutoCloseable permits PrefixCache, StockSessions {

    /** Returns the sessions of a model, which keeps as many idle ones as its options say. */
    static Sessions of(TokenModel model) {
        return switch (model) {
            case ChaiModel chai -> new PrefixCache(chai, chai.options().maxIdleSequences());
            case StockModel stock -> new StockSessions(stock);
        };
    }

    /**
     * Starts a session for a prompt.
     *
     * @param prompt tokens of the prompt, at least one
     * @throws IllegalArgumentException if the model cannot run that attention
     */
    RequestSession open(AttentionMode attention, int[] prompt);

    /** Returns the number of idle sessions. */
    int size();

    /** Returns what keys and values take; empty for Jlama's own cache, which does not tell. */
    Optional<KvCacheFigures> kvCache();

    /** Closes all idle sessions and returns their memory. */
    void clear();

    /** Closes all idle sessions, and from now on every session when its request ends. */
    @Override
    void close();
}
