// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

/**
 * Queries grow with their position, {@code 1 + slope ln(1 + floor(position / length))}; keys do not.
 *
 * @param slope  how much
 * @param length positions after which they grow, again and again
 */
public record QueryGain(double slope, int length) {

    /** Returns the factor of the queries of a position. */
    public float at(int position) {
        return (float) (1 + slope * Math.log(1 + position / length));
    }
}
