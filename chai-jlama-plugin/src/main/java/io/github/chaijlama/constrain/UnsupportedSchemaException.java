// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

/**
 * A JSON schema that answers cannot be held to: it says something that is not supported, is broken, or allows no value.
 */
public final class UnsupportedSchemaException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final String keyword;
    private final String path;

    /**
     * Creates an exception.
     *
     * @param keyword the keyword at fault, empty if it is the schema as a whole
     * @param path    where in the schema, as a JSON pointer; empty for its root
     * @param reason  what is wrong, a sentence that follows the name of the keyword
     */
    UnsupportedSchemaException(String keyword, String path, String reason) {
        super((keyword.isEmpty() ? "the schema" : "'" + keyword + "'") + " at "
                + (path.isEmpty() ? "the root of the schema" : path) + " " + reason);
        this.keyword = keyword;
        this.path = path;
    }

    /** Returns the keyword at fault, empty if it is the schema as a whole. */
    public String keyword() {
        return keyword;
    }

    /** Returns where in the schema, as a JSON pointer; empty for its root. */
    public String path() {
        return path;
    }
}
