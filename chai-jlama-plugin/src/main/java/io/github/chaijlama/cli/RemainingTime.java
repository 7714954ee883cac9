// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.util.Locale;

/** Shows how far a run is and how long it will still take, a line every few seconds. Not thread-safe. */
final class RemainingTime {
    private static final long NANOS_BETWEEN_LINES = 5_000_000_000L;

    private final PrintWriter out;
    private final String what;
    private final long start = System.nanoTime();
    private long lastLine = start;

    /**
     * Starts the clock.
     *
     * @param what what is being done, for instance {@code texts}
     */
    RemainingTime(PrintWriter out, String what) {
        this.out = out;
        this.what = what;
    }

    /** Shows that {@code done} of {@code total} is done, unless a line was shown a moment ago. */
    void report(long done, long total) {
        long now = System.nanoTime();
        if (now - lastLine < NANOS_BETWEEN_LINES && done < total) {
            return;
        }
        lastLine = now;
        double elapsed = (now - start) / 1e9;
        if (done >= total) {
            out.printf(Locale.ROOT, "%s: done after %s%n", what, time(elapsed));
        } else {
            out.printf(Locale.ROOT, "%s: %d %%, %s left%n", what, 100 * done / total,
                    time(elapsed / done * (total - done)));
        }
        out.flush();
    }

    /** Returns seconds in words. */
    static String time(double seconds) {
        long whole = Math.round(seconds);
        if (whole < 60) {
            return whole + " s";
        }
        return whole < 3600 ? String.format(Locale.ROOT, "%d min %02d s", whole / 60, whole % 60)
                : String.format(Locale.ROOT, "%d h %02d min", whole / 3600, whole % 3600 / 60);
    }
}
