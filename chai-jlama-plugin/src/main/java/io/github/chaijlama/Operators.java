// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

/** What calculates matrix products of exact and clustered attention; Jlama's own attention takes Jlama's. */
public enum Operators {
    /**
     * {@link #VECTOR} where this JVM and machine make good use of the Vector API, {@link #JLAMA} elsewhere, and where
     * Jlama has found a GPU, as its releases up to 0.8.4 never do.
     */
    AUTO,
    /** Jlama's: its SIMD library, or its own code on the Vector API. */
    JLAMA,
    /** The plugin's own, on the Vector API; plain loops where that is not usable. */
    VECTOR,
    /**
     * A BLAS library's, for the rows of prompts: Accelerate on macOS, elsewhere OpenBLAS of the class path
     * ({@code org.bytedeco:openblas}) or of the system. Loading fails where there is none. For all other rows
     * {@link #VECTOR}.
     */
    BLAS
}
