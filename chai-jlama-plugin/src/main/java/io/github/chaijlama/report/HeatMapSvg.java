// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Draws a {@link HeatMap}. Cells of one colour are one path of strokes as thick as a row, which keeps a page with 80
 * maps of 64 x 64 values within a few megabytes and prints sharply.
 */
final class HeatMapSvg {
    /** More labels than this do not fit beside a small map. */
    private static final int LABELS = 16;
    private static final double SIDE = 220;
    private static final double MARGIN = 18;

    private final Markup out;
    private final HeatMap map;
    private final List<Integer> order;
    private final int size;
    private final double cell;

    private HeatMapSvg(Markup out, HeatMap map) {
        this.out = out;
        this.map = map;
        order = map.order();
        size = order.size();
        cell = SIDE / Math.max(1, size);
    }

    static void draw(Markup out, HeatMap map) {
        new HeatMapSvg(out, map).draw();
    }

    private void draw() {
        new Frame("panel heat", SIDE + 2 * MARGIN - 6, SIDE + MARGIN + 2, true).open(out, map);
        out.attribute("data-order", order.stream().map(String::valueOf).collect(Collectors.joining(" ")));
        if (size <= LABELS) {
            labels();
        }
        out.open("g", "transform",
                "translate(" + Markup.coordinate(MARGIN) + " 1) scale(" + cell + ")");
        out.empty("rect", "class", "blank", "width", size, "height", size);
        cells();
        out.close();
        outlines("halo");
        outlines("outline");
        out.close();
    }

    private void labels() {
        for (int i = 0; i < size; i++) {
            String label = map.labels().get(order.get(i));
            double middle = (i + 0.5) * cell;
            out.element("text", label, "class", "tick small end", "x", MARGIN - 5, "y", 1 + middle + 3.5);
            out.element("text", label, "class", "tick small middle", "x", MARGIN + middle, "y", SIDE + 14);
        }
    }

    private void cells() {
        Map<Integer, StringBuilder> paths = new TreeMap<>();
        for (int row = 0; row < size; row++) {
            int column = 0;
            while (column < size) {
                int color = color(row, column);
                int end = column + 1;
                while (end < size && color(row, end) == color) {
                    end++;
                }
                if (color >= 0) {
                    paths.computeIfAbsent(color, _ -> new StringBuilder()).append('M').append(column).append(' ')
                            .append(row).append(".5h").append(end - column);
                }
                column = end;
            }
        }
        paths.forEach((color, path) -> out.empty("path", "class", "cells", "stroke", Viridis.color(color), "d", path));
    }

    /** Returns the number of a cell's colour, -1 for a value without one. */
    private int color(int row, int column) {
        double value = map.values().get(order.get(row)).get(order.get(column));
        return Double.isFinite(value) ? Viridis.index((value - map.min()) / (map.max() - map.min())) : -1;
    }

    /** Frames the groups of several rows; one row by itself needs no frame to be seen. */
    private void outlines(String cssClass) {
        int start = 0;
        for (int i = 1; i <= size; i++) {
            if (i == size || !map.groups().get(order.get(i)).equals(map.groups().get(order.get(start)))) {
                if (i - start > 1) {
                    outline(cssClass, start, i);
                }
                start = i;
            }
        }
    }

    private void outline(String cssClass, int start, int end) {
        double side = (end - start) * cell;
        out.empty("rect", "class", cssClass, "x", MARGIN + start * cell, "y", 1 + start * cell, "width", side, "height",
                side);
    }
}
