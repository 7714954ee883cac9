// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

/**
 * The colours of heat maps: matplotlib's viridis in ten anchors, joined in straight lines and cut into steps. It grows
 * evenly brighter, in print and for colour-blind readers too (https://bids.github.io/colormap/; public domain, CC0).
 */
final class Viridis {
    /** Steps of colour, more than an eye tells apart between neighbours. */
    static final int STEPS = 48;
    private static final int[] ANCHORS = { 0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779,
            0x6ece58, 0xb5de2b, 0xfde725 };

    private Viridis() {}

    /** Returns the step of a share; what lies outside 0 to 1 is moved to the edge. */
    static int index(double share) {
        return (int) Math.clamp(Math.floor(share * STEPS), 0, STEPS - 1);
    }

    /** Returns the colour of a step as {@code #rrggbb}. */
    static String color(int step) {
        double place = step / (double) (STEPS - 1) * (ANCHORS.length - 1);
        int below = Math.min((int) place, ANCHORS.length - 2);
        double share = place - below;
        int color = 0;
        for (int shift = 16; shift >= 0; shift -= 8) {
            int from = ANCHORS[below] >> shift & 0xff;
            int to = ANCHORS[below + 1] >> shift & 0xff;
            color |= (int) Math.round(from + share * (to - from)) << shift;
        }
        return "#" + String.format("%06x", color);
    }
}
