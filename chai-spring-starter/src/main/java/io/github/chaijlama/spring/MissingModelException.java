// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

/** {@code chai.model.path} leads nowhere. */
final class MissingModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean isSet;

    /** The property is not set. */
    MissingModelException() {
        super("chai.model.path is not set");
        this.isSet = false;
    }

    /**
     * The property is set to something else.
     *
     * @param path   value of the property
     * @param reason what is wrong with it
     */
    MissingModelException(String path, String reason) {
        super("chai.model.path is '" + path + "': " + reason);
        this.isSet = true;
    }

    /** Whether the property is set. */
    boolean isSet() {
        return isSet;
    }
}
