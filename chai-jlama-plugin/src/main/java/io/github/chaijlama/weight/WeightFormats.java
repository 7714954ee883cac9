// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.util.Set;

import io.github.chaijlama.model.WeightRole;

/**
 * Decides in which format a weight is used.
 *
 * @param multiplied formats that rows can be multiplied with; others become F32
 * @param lookedUp   formats that rows of a table can be looked up in
 * @param quantize   whether matrices become Q4; tables, vectors and routers do not
 */
public record WeightFormats(Set<WeightFormat> multiplied, Set<WeightFormat> lookedUp, boolean quantize) {

    /** Returns the format of a weight. */
    WeightFormat formatOf(WeightRole role, WeightFormat stored) {
        return switch (role) {
            case VECTOR -> WeightFormat.F32;
            case TABLE -> lookedUp.contains(stored) ? stored : WeightFormat.F32;
            case TIED_TABLE -> lookedUp.contains(stored) && multiplied.contains(stored) ? stored : WeightFormat.F32;
            case ROUTER -> multiplied.contains(stored) ? stored : WeightFormat.F32;
            case MATRIX -> quantize ? WeightFormat.Q4 : multiplied.contains(stored) ? stored : WeightFormat.F32;
        };
    }
}
