// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;

/** Opens sequences of a loaded model. */
@FunctionalInterface
interface ModelSequences {

    /** Starts an empty sequence. */
    TokenSequence open(Arm arm);

    /** Returns the sequences of a model. */
    static ModelSequences of(ChaiModel model) {
        return arm -> new SessionSequence(model.newSession(arm.profile(), arm.kvType()));
    }

    /** A session as evaluation sees it. */
    record SessionSequence(ChaiSession session) implements TokenSequence {
        @Override
        public float[] feed(int... tokens) {
            return session.feed(tokens);
        }

        @Override
        public float[][] feedAll(int... tokens) {
            return session.feedAll(tokens);
        }

        @Override
        public void endPrompt() {
            session.endPrompt();
        }

        @Override
        public void truncate(int length) {
            session.truncate(length);
        }

        @Override
        public long kvCacheBytes() {
            return session.kvCacheBytes();
        }

        @Override
        public void close() {
            session.close();
        }
    }
}
