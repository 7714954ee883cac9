// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.StringJoiner;

/** The shapes that tell series apart where colours do not. */
enum Mark {
    CIRCLE, SQUARE, DIAMOND, TRIANGLE;

    /** The class of the style sheet for a series without a colour of its own. */
    private static final String REFERENCE = "ref";
    private static final int COLORS = 7;

    /** Returns the mark of the series with this number. */
    static Mark of(int series) {
        return values()[series % values().length];
    }

    /** Returns the class of the style sheet that colours the series with this number. */
    static String color(int series) {
        return "s" + series % COLORS;
    }

    /** Returns the class of the style sheet that colours a series. */
    static String color(Series series, int index) {
        return series.style() == Series.Style.REFERENCE ? REFERENCE : color(index);
    }

    /** Begins the mark around a point, an element that the caller closes. */
    void open(Markup out, double x, double y, double radius, String cssClass) {
        switch (this) {
            case CIRCLE -> out.open("circle", "class", cssClass, "cx", x, "cy", y, "r", radius);
            case SQUARE -> out.open("rect", "class", cssClass, "x", x - 0.9 * radius, "y", y - 0.9 * radius, "width",
                    1.8 * radius, "height", 1.8 * radius);
            case DIAMOND -> polygon(out, cssClass, x, y - 1.3 * radius, x + 1.3 * radius, y, x, y + 1.3 * radius,
                    x - 1.3 * radius, y);
            case TRIANGLE -> polygon(out, cssClass, x, y - 1.2 * radius, x + 1.2 * radius, y + 0.9 * radius,
                    x - 1.2 * radius, y + 0.9 * radius);
        }
    }

    private static void polygon(Markup out, String cssClass, double... coordinates) {
        StringJoiner points = new StringJoiner(" ");
        for (double coordinate : coordinates) {
            points.add(Markup.coordinate(coordinate));
        }
        out.open("polygon", "class", cssClass, "points", points);
    }
}
