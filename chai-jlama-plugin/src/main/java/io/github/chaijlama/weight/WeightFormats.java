// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.util.Optional;
import java.util.Set;

import io.github.chaijlama.model.WeightRole;

/**
 * Decides in which format a weight is used.
 *
 * @param multiplied formats that rows can be multiplied with; others become F32
 * @param lookedUp   formats that rows of a table can be looked up in
 * @param quantized  what matrices become, Q4 or I8, if they are quantized; see {@link Quantization}
 */
public record WeightFormats(Set<WeightFormat> multiplied, Set<WeightFormat> lookedUp,
        Optional<WeightFormat> quantized) {

    /** Creates formats of weights that are not quantized. */
    public WeightFormats(Set<WeightFormat> multiplied, Set<WeightFormat> lookedUp) {
        this(multiplied, lookedUp, Optional.empty());
    }

    /** Returns the format of a weight that is not quantized. */
    WeightFormat formatOf(WeightRole role, WeightFormat stored) {
        return switch (role) {
            case VECTOR -> WeightFormat.F32;
            case TABLE -> lookedUp.contains(stored) ? stored : WeightFormat.F32;
            case TIED_TABLE -> lookedUp.contains(stored) && multiplied.contains(stored) ? stored : WeightFormat.F32;
            case ROUTER, MATRIX -> multiplied.contains(stored) ? stored : WeightFormat.F32;
        };
    }
}
