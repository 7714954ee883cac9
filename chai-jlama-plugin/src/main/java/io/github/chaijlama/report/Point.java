// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

/**
 * A point of a series. Points with a value that is not finite are left out of the drawing and shown as such in the
 * table.
 *
 * @param x      place along the horizontal axis, in its unit
 * @param y      value, in the unit of the vertical axis
 * @param error  half the length of the error bar, 0 for none, in the unit of {@code y}
 * @param label  name of the point, empty for none
 * @param chosen whether the point is the one that was taken
 */
public record Point(double x, double y, double error, String label, boolean chosen) {

    /** Returns a point without error bar and name. */
    public static Point of(double x, double y) {
        return new Point(x, y, 0, "", false);
    }

    /** Returns whether the point has a place in a drawing. */
    boolean isFinite() {
        return Double.isFinite(x) && Double.isFinite(y);
    }
}
