// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.profile.ModelShape;

/**
 * What the parts of one calibration share.
 *
 * @param model    the model, loaded with this project's attention
 * @param state    what is known so far
 * @param progress told how far it is
 */
record CalibrationRun(ChaiModel model, CalibrationState state, CalibrationProgress progress) {

    ModelShape shape() {
        return model.config().shape();
    }
}
