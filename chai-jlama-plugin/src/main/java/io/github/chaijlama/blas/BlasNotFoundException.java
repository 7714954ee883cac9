// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.blas;

/** There is no BLAS library that can be used. */
public final class BlasNotFoundException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception.
     *
     * @param message what was looked for, and what to add
     */
    public BlasNotFoundException(String message) {
        super(message);
    }
}
