// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

/** One of several models cannot be loaded; its cause says why. */
final class NamedModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String id;
    private final RuntimeException reason;

    NamedModelException(String id, RuntimeException reason) {
        super("the model chai.models." + id + " cannot be loaded", reason);
        this.id = id;
        this.reason = reason;
    }

    /** Returns why. */
    RuntimeException reason() {
        return reason;
    }

    /** Returns the id of the model. */
    String id() {
        return id;
    }
}
