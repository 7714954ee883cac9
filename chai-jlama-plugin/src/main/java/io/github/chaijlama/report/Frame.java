// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

/**
 * The size of a drawing. A chart that stands alone is drawn twice, for a wide and for a narrow page; the style sheet
 * shows one of them. So letters have the same size everywhere.
 *
 * @param name   its class in the style sheet
 * @param width  units across, CSS pixels at full size
 * @param height units from above to below
 * @param small  whether it is one of many side by side
 */
record Frame(String name, double width, double height, boolean small) {
    static final Frame WIDE = new Frame("wide", 900, 380, false);
    static final Frame NARROW = new Frame("narrow", 380, 300, false);
    static final Frame PANEL = new Frame("panel", 250, 180, true);

    Frame withHeight(double newHeight) {
        return new Frame(name, width, newHeight, small);
    }

    int xTicks() {
        return (int) Math.max(4, width / 80);
    }

    int yTicks() {
        return (int) Math.max(3, height / 60);
    }

    /** Begins the drawing, an element that the caller closes. */
    void open(Markup out, Chart chart) {
        String name = chart.title() + (chart.caption().isEmpty() ? "" : ": " + chart.caption());
        out.open("svg", "class", "chart " + this.name, "viewBox",
                "0 0 " + Markup.coordinate(width) + " " + Markup.coordinate(height), "role", "img", "aria-label", name);
    }
}
