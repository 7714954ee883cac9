// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.PromptSession;
import io.github.chaijlama.profile.ClusterProfile;

/** Opens sequences of a loaded model. */
@FunctionalInterface
interface ModelSequences {

    /** Starts an empty sequence. */
    PromptSession open(Arm arm);

    /** Returns by how many tokens a sequence can be cut back: layers with a sliding window forget. */
    default int mostCut() {
        return Integer.MAX_VALUE;
    }

    /** Returns the sequences of a model. */
    static ModelSequences of(ChaiModel model) {
        ClusterProfile exact = ClusterProfile.exact(model.config().shape());
        int window = model.config().shortestWindow().orElse(Integer.MAX_VALUE);
        return new ModelSequences() {
            @Override
            public PromptSession open(Arm arm) {
                return model.newSession(arm.profile().orElse(exact), arm.kvType());
            }

            @Override
            public int mostCut() {
                return window;
            }
        };
    }
}
