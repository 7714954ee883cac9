// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.util.SplittableRandom;

/** Kinds of values that kernels are tested with. */
enum Values {
    /** From -1 to 1. */
    ORDINARY,
    /** Nothing but 0. */
    ZERO,
    /** Up to 10,000: scores of such vectors still fit a float. */
    HUGE,
    /** Below the smallest normal float. */
    DENORMAL;

    float next(SplittableRandom random) {
        float value = (float) (random.nextDouble() * 2 - 1);
        return switch (this) {
            case ORDINARY -> value;
            case ZERO -> 0;
            case HUGE -> value * 1e4f;
            case DENORMAL -> value * 1e-39f;
        };
    }
}
