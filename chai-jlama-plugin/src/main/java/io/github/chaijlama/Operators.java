// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

/** What calculates matrix products. */
public enum Operators {
    /** A GPU's, if Jlama has found one; {@link #VECTOR} where this JVM has the Vector API; {@link #JLAMA} elsewhere. */
    AUTO,
    /** Jlama's: its SIMD library, a GPU's, or Panama. */
    JLAMA,
    /** The plugin's own, on the Vector API; plain loops where this JVM has none. */
    VECTOR
}
