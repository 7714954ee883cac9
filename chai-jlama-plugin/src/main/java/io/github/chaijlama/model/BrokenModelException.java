// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

/** A model's numbers are not finite: its weights are broken, or too large for 32-bit floats. */
public final class BrokenModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception.
     *
     * @param what the numbers that are not finite, for instance {@code "logits"}
     */
    public BrokenModelException(String what) {
        super("the model's " + what
                + " are not finite numbers; its weights are broken, or too large for 32-bit floats");
    }

    /**
     * Checks numbers that a model has calculated.
     *
     * @throws BrokenModelException if one is not finite
     */
    public static void requireFinite(String what, float[] numbers) {
        for (float number : numbers) {
            if (!Float.isFinite(number)) {
                throw new BrokenModelException(what);
            }
        }
    }
}
