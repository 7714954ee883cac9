// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

/**
 * A point of a series. Points with a value that is not finite are left out of the drawing and shown as such in the
 * table.
 *
 * @param x      place along the horizontal axis, in its unit
 * @param y      value, in the unit of the vertical axis
 * @param bar    how sure the value is
 * @param label  name of the point, empty for none
 * @param chosen whether the point is the one that was taken
 */
public record Point(double x, double y, Bar bar, String label, boolean chosen) {

    /** Returns a point without bar and name. */
    public static Point of(double x, double y) {
        return new Point(x, y, Bar.NONE, "", false);
    }

    /** Returns this point as the one that was taken, or as one that was not. */
    public Point chosen(boolean isChosen) {
        return new Point(x, y, bar, label, isChosen);
    }

    /** Returns this point with a bar. */
    public Point with(Bar newBar) {
        return new Point(x, y, newBar, label, chosen);
    }

    /** Returns where the bar begins; the value itself without one. */
    public double low() {
        return bar.low(y);
    }

    /** Returns where the bar ends; the value itself without one. */
    public double high() {
        return bar.high(y);
    }

    /** Returns the value in words. */
    String value() {
        return Numbers.significant(y) + bar.text();
    }

    /** Returns whether the point has a place in a drawing. */
    boolean isFinite() {
        return Double.isFinite(x) && Double.isFinite(y);
    }
}
