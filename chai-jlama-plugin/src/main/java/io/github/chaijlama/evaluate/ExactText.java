// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/** What exact attention expects after each token of a text, piece by piece from its beginning. */
interface ExactText extends AutoCloseable {

    /** Returns what is expected after each of the next tokens. */
    Distribution[] feed(int[] piece);

    /** Ends the text and returns the bytes of its keys and values. */
    long finish();

    @Override
    void close();
}
