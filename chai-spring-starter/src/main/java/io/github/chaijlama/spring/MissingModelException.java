// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

/** {@code chai.model.path} leads nowhere. */
final class MissingModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String path;

    /**
     * Creates an exception.
     *
     * @param path   value of the property, null if it is not set
     * @param reason what is wrong with it
     */
    MissingModelException(String path, String reason) {
        super(path == null ? reason : "chai.model.path is '" + path + "': " + reason);
        this.path = path;
    }

    /** Returns the value of the property, null if it is not set. */
    String path() {
        return path;
    }
}
