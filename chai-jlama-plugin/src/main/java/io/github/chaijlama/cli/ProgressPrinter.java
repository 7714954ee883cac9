// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.time.Duration;

import io.github.chaijlama.calibrate.CalibrationProgress;

/** Says every few seconds how far a run is, and how long it will take if it goes on like this. */
final class ProgressPrinter implements CalibrationProgress {
    private static final long INTERVAL_NANOS = Duration.ofSeconds(3).toNanos();

    private final PrintWriter err;
    private String phase = "";
    private long phaseStart;
    private long doneAtStart;
    private long lastPrinted;

    ProgressPrinter(PrintWriter err) {
        this.err = err;
    }

    @Override
    public void report(String newPhase, long done, long total) {
        long now = System.nanoTime();
        if (!newPhase.equals(phase)) {
            phase = newPhase;
            phaseStart = now;
            doneAtStart = done;
            lastPrinted = now;
        } else if (now - lastPrinted >= INTERVAL_NANOS) {
            lastPrinted = now;
            long perPiece = (now - phaseStart) / Math.max(1, done - doneAtStart);
            err.println(phase + ": " + done + " of " + total + ", " + words(perPiece * (total - done)) + " left");
            err.flush();
        }
    }

    @Override
    public void note(String message) {
        err.println(message);
        err.flush();
    }

    private static String words(long nanos) {
        Duration left = Duration.ofNanos(nanos);
        if (left.toHours() > 0) {
            return left.toHours() + " h " + left.toMinutesPart() + " min";
        }
        return left.toMinutes() > 0 ? left.toMinutes() + " min " + left.toSecondsPart() + " s"
                : left.toSeconds() + " s";
    }
}
