// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

/** How sure a value is, drawn as a bar through its mark. Immutable. */
public sealed interface Bar {
    /** No bar. */
    Bar NONE = new Error(0);

    /**
     * An error as large to both sides.
     *
     * @param halfWidth half the length of the bar, in the unit of the value; no bar if it is not above 0
     */
    record Error(double halfWidth) implements Bar {
        @Override
        public double low(double value) {
            return halfWidth > 0 ? value - halfWidth : value;
        }

        @Override
        public double high(double value) {
            return halfWidth > 0 ? value + halfWidth : value;
        }

        @Override
        public String text() {
            return halfWidth > 0 ? " ± " + Numbers.significant(halfWidth) : "";
        }
    }

    /**
     * What was measured several times, from the smallest to the largest.
     *
     * @param smallest in the unit of the value
     * @param largest  in the unit of the value
     */
    record Range(double smallest, double largest) implements Bar {
        @Override
        public double low(double value) {
            return smallest;
        }

        @Override
        public double high(double value) {
            return largest;
        }

        @Override
        public String text() {
            return " (" + Numbers.significant(smallest) + " to " + Numbers.significant(largest) + ")";
        }
    }

    /** Returns where the bar of a value begins. */
    double low(double value);

    /** Returns where the bar of a value ends. */
    double high(double value);

    /** Returns what is written behind the value. */
    String text();
}
