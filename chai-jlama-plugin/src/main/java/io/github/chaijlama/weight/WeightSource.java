// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import io.github.chaijlama.model.TensorPart;

/** Where a model's weights come from. */
@FunctionalInterface
public interface WeightSource {

    /**
     * Returns a weight in the format it is to be used in; vectors, those of norms and biases, as F32 in one row.
     *
     * @throws io.github.chaijlama.model.ModelLoadException if it is not there, or cannot be used
     */
    Weight weight(TensorPart part);
}
