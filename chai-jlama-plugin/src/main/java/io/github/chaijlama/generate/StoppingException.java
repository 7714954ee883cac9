// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/** A request was refused because the model takes on nothing new: it is about to be closed, or to be started again. */
public final class StoppingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StoppingException() {
        super("the model is stopping: what it has begun it ends, new requests are refused; try again later, or "
                + "elsewhere");
    }
}
