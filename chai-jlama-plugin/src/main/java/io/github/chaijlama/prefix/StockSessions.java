// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.prefix;

import java.util.Optional;
import java.util.OptionalLong;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.StockSession;

/** A new session for every request: Jlama's own cache cannot be cut back to what two have in common. */
final class StockSessions implements Sessions {
    private final StockModel model;

    StockSessions(StockModel model) {
        this.model = model;
    }

    @Override
    public RequestSession open(AttentionMode attention, int[] prompt) {
        if (attention != AttentionMode.STOCK) {
            throw new IllegalArgumentException(
                    "a model loaded for STOCK attention cannot run a " + attention + " session");
        }
        return new Request(model.newSession());
    }

    @Override
    public int size() {
        return 0;
    }

    @Override
    public Optional<KvCacheFigures> kvCache() {
        return Optional.empty();
    }

    @Override
    public void clear() {
        // nothing is kept
    }

    @Override
    public void close() {
        // nothing is kept
    }

    private record Request(StockSession session) implements RequestSession {
        @Override
        public int reusedTokens() {
            return 0;
        }

        @Override
        public float[] feed(int... next) {
            return session.feed(next);
        }

        @Override
        public void endPrompt() {
            // Jlama's attention has no clusters to decide
        }

        @Override
        public int length() {
            return session.length();
        }

        @Override
        public AttentionMode attention() {
            return AttentionMode.STOCK;
        }

        @Override
        public OptionalLong kvCacheBytes() {
            return OptionalLong.empty();
        }

        @Override
        public void close() {
            session.close();
        }
    }
}
