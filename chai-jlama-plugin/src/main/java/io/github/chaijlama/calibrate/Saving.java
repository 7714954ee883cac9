// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

/** What a search within a quality budget saves as much of as it can. */
public enum Saving {
    /**
     * Bytes of keys and values. With grouped queries only keys that no head of their group needs are dropped, so such a
     * search frees whole groups.
     */
    MEMORY {
        @Override
        double of(QualityLoss loss) {
            return loss.kvSaving();
        }
    },
    /** Scores, with the queries that they need: what attention calculates for representatives only. */
    TIME {
        @Override
        double of(QualityLoss loss) {
            return loss.scoreSaving();
        }
    };

    /** Returns the share that is saved, 0 to 1. */
    abstract double of(QualityLoss loss);
}
