// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import io.github.chaijlama.ChaiOptions;

/** Changes how the model is loaded, after the properties were read. Beans of this type are applied in their order. */
@FunctionalInterface
public interface ChaiOptionsCustomizer {

    /** Returns the options to use instead of these. */
    ChaiOptions customize(ChaiOptions options);
}
