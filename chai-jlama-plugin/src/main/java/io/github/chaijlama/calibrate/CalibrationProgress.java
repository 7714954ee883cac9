// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

/** Told how far calibration has come. */
public interface CalibrationProgress {
    /** Tells nobody. */
    CalibrationProgress NONE = new CalibrationProgress() {
        @Override
        public void report(String phase, long done, long total) {}

        @Override
        public void note(String message) {}
    };

    /**
     * Called after each piece of work.
     *
     * @param phase what is being done, in a few words
     * @param done  pieces done
     * @param total pieces there will be, at most
     */
    void report(String phase, long done, long total);

    /** Called for what a user should know once. */
    void note(String message);
}
