// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.blas;

import java.util.Optional;

import org.slf4j.LoggerFactory;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** The BLAS library of tests: on the class path for Linux on x86-64, on other systems what they have. */
public final class TestBlas {
    private static final Optional<BlasLibrary> LIBRARY = find();

    private TestBlas() {}

    private static Optional<BlasLibrary> find() {
        try {
            return Optional.of(BlasLibrary.get());
        } catch (BlasNotFoundException e) {
            LoggerFactory.getLogger(TestBlas.class).warn("Tests leave BLAS out: {}", e.getMessage());
            return Optional.empty();
        }
    }

    /** Whether there is one. */
    public static boolean exists() {
        return LIBRARY.isPresent();
    }

    /** Returns the library; skips the test where there is none. */
    public static BlasLibrary require() {
        assumeTrue(exists(), "there is no BLAS library");
        return LIBRARY.orElseThrow();
    }
}
