// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

/** Ends a run from within, so that what it has found out can be saved. It never leaves the package. */
final class InterruptedCalibration extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private InterruptedCalibration() {
        super("calibration was interrupted");
    }

    /** Ends the run if this thread was interrupted. */
    static void throwIfInterrupted() {
        if (Thread.interrupted()) {
            throw new InterruptedCalibration();
        }
    }
}
