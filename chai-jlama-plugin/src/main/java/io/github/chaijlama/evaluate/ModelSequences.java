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

    /** Returns the sequences of a model. */
    static ModelSequences of(ChaiModel model) {
        ClusterProfile exact = ClusterProfile.exact(model.config().shape());
        return arm -> model.newSession(arm.profile().orElse(exact), arm.kvType());
    }
}
