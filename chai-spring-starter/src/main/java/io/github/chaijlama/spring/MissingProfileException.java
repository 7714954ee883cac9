// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

/** Clustered attention was asked for without a profile that says which heads to cluster. */
final class MissingProfileException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MissingProfileException() {
        super("chai.attention is clustered, but chai.profile is not set and chai.calibration.mode is off");
    }
}
