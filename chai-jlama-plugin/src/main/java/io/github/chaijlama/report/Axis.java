// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;
import java.util.OptionalDouble;

/**
 * What an axis measures. Immutable.
 *
 * @param label what it measures
 * @param unit  its unit, empty for none
 * @param scale how values are spread along it
 * @param min   where it begins; without it, just below the smallest value
 * @param max   where it ends; without it, just above the largest value
 * @param ticks values that get a tick as far as there is room, in ascending order; empty for round numbers
 */
public record Axis(String label, String unit, Scale scale, OptionalDouble min, OptionalDouble max,
        List<Double> ticks) {

    /** How values are spread along an axis. */
    public enum Scale {
        /** In proportion. */
        LINEAR,
        /** In proportion, with ticks at whole numbers only. */
        INTEGER,
        /** By their logarithm; values that are not above zero have no place. */
        LOGARITHMIC
    }

    public Axis {
        ticks = List.copyOf(ticks);
    }

    /** Returns an axis that fits itself to the values. */
    public static Axis of(String label, String unit, Scale scale) {
        return new Axis(label, unit, scale, OptionalDouble.empty(), OptionalDouble.empty(), List.of());
    }

    /** Returns this axis with a fixed range. */
    public Axis between(double newMin, double newMax) {
        return new Axis(label, unit, scale, OptionalDouble.of(newMin), OptionalDouble.of(newMax), ticks);
    }

    /** Returns this axis with a fixed beginning. */
    public Axis from(double newMin) {
        return new Axis(label, unit, scale, OptionalDouble.of(newMin), max, ticks);
    }

    /** Returns this axis with ticks at certain values. */
    public Axis withTicks(List<Double> newTicks) {
        return new Axis(label, unit, scale, min, max, newTicks);
    }

    /**
     * Returns this axis with a fixed range that has room for the values and ends at round numbers, for charts that are
     * compared.
     */
    public Axis around(double... values) {
        Ticks range = Ticks.of(this, values, 0, 1, 4);
        return between(range.min(), range.max());
    }

    /** Returns label and unit in one line. */
    String title() {
        return unit.isEmpty() ? label : label + " (" + unit + ")";
    }
}
