// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/**
 * A message of a conversation, as chat templates know it.
 *
 * @param role    {@code system}, {@code user}, {@code assistant} or {@code tool}
 * @param content its text
 */
public record ChatMessage(String role, String content) {

    /** Returns a message that sets the scene. */
    public static ChatMessage system(String content) {
        return new ChatMessage("system", content);
    }

    /** Returns a message of the user. */
    public static ChatMessage user(String content) {
        return new ChatMessage("user", content);
    }

    /** Returns a message of the model. */
    public static ChatMessage assistant(String content) {
        return new ChatMessage("assistant", content);
    }
}
