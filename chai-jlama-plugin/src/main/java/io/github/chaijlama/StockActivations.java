// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

/** What a {@link StockModel} multiplies its layers' weights with. */
public enum StockActivations {
    /** 32-bit floats, whatever the weights are: what exact attention computes with, too. */
    F32,
    /**
     * What Jlama chooses when it is asked for 8-bit ones, as langchain4j-jlama asks it if nobody says otherwise: I8
     * with Q4 weights of sizes that it can do so, BF16 with BF16 weights, F32 with others.
     */
    JLAMA
}
