// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

/** No property says which model to load, or {@code chai.model.path} leads nowhere. */
final class MissingModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean isSet;

    /** Neither property is set. */
    MissingModelException() {
        super("neither chai.model.path nor chai.model.repository is set");
        this.isSet = false;
    }

    /**
     * The path is set to something else.
     *
     * @param path   value of the property
     * @param reason what is wrong with it
     */
    MissingModelException(String path, String reason) {
        super("chai.model.path is '" + path + "': " + reason);
        this.isSet = true;
    }

    /** Returns whether the path is set. */
    boolean isSet() {
        return isSet;
    }
}
