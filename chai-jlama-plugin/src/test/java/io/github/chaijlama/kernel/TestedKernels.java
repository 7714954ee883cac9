// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.util.ArrayList;
import java.util.List;

/** The implementations that can run on this machine, and the arithmetic they share. */
final class TestedKernels {
    /** Unit roundoff of a 32-bit float. */
    static final double UNIT = 0x1p-24;

    private TestedKernels() {}

    static List<AttentionKernels> ofAttention() {
        List<AttentionKernels> kernels = new ArrayList<>(List.of(new ScalarKernels()));
        if (hasVectors()) {
            kernels.add(new VectorKernels());
        }
        return kernels;
    }

    static List<RowKernels> ofRows() {
        List<RowKernels> kernels = new ArrayList<>(List.of(new ScalarRowKernels()));
        if (hasVectors()) {
            kernels.add(new VectorRowKernels());
        }
        return kernels;
    }

    static boolean hasVectors() {
        return VectorCapabilities.ofThisMachine().bits() > 0;
    }
}
