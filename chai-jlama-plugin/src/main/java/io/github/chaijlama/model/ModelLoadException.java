// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;

import org.jspecify.annotations.Nullable;

/** A model cannot be used. The message names the file, what was expected of it and what was found. */
public final class ModelLoadException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The key of config.json that it is about, if it is about one. */
    private final @Nullable String key;

    /** Creates an exception with a message for the user. */
    public ModelLoadException(String message) {
        this(message, (Throwable) null);
    }

    /** Creates an exception with a message for the user and what lies behind it. */
    public ModelLoadException(String message, @Nullable Throwable cause) {
        super(message, cause);
        this.key = null;
    }

    private ModelLoadException(String message, String key) {
        super(message);
        this.key = key;
    }

    /** Returns an exception about a key of config.json. */
    static ModelLoadException ofKey(String key, String message) {
        return new ModelLoadException(message, key);
    }

    /** Returns the key of config.json that it is about, if it is about one. */
    Optional<String> key() {
        return Optional.ofNullable(key);
    }
}
