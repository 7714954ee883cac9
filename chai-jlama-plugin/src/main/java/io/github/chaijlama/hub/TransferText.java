// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.util.Locale;

/** Bytes and seconds in words. */
final class TransferText {
    private static final String[] UNITS = { "kB", "MB", "GB", "TB" };
    private static final int THOUSAND = 1000;

    private TransferText() {}

    /** Returns bytes with a unit of powers of 1000, as the hub's pages show them. */
    static String bytes(long bytes) {
        double value = bytes;
        int unit = -1;
        while (value >= THOUSAND - 0.05 && unit < UNITS.length - 1) {
            value /= THOUSAND;
            unit++;
        }
        return unit < 0 ? bytes + " bytes" : String.format(Locale.ROOT, "%.1f %s", value, UNITS[unit]);
    }

    /** Returns a time as people say it. */
    static String time(long seconds) {
        if (seconds < 60) {
            return seconds + " s";
        }
        return seconds < 3600 ? String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60)
                : String.format(Locale.ROOT, "%d h %02d min", seconds / 3600, seconds % 3600 / 60);
    }
}
