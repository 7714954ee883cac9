// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.Objects;

/** A model's chat template is missing or refuses a conversation. The message repeats what the template said. */
public final class ChatTemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Creates an exception with a message for the user. */
    public ChatTemplateException(String message) {
        super(message);
    }

    @Override
    public String getMessage() {
        return Objects.requireNonNull(super.getMessage());
    }

    /** Returns an exception for a template that is wrong, or more than this library understands. */
    static ChatTemplateException unreadable(int line, String reason) {
        return new ChatTemplateException(
                "the model's chat template cannot be rendered (line " + line + "): " + reason);
    }
}
