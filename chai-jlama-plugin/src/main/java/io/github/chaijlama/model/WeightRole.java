// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

/** What a weight is for, which decides in which format it may be kept. */
public enum WeightRole {
    /** A table that rows are looked up in, tokens or positions. */
    TABLE,
    /** The table of tokens that is the output matrix as well. */
    TIED_TABLE,
    /** The factors of a norm, or a bias. */
    VECTOR,
    /** A matrix that rows are multiplied with. */
    MATRIX,
    /** The matrix that chooses experts: small, and a mistake in it is a wrong choice. */
    ROUTER
}
