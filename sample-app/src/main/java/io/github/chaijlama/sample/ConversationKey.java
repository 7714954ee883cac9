// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.regex.Pattern;

import dev.langchain4j.exception.InvalidRequestException;

/**
 * Which conversation: two owners may use the same id.
 *
 * @param owner of whom, see {@link Browser}
 * @param id    the owner's name for it
 */
record ConversationKey(String owner, String id) {
    private static final int MAX_LENGTH = 100;
    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");

    /**
     * Checks an id that came from outside.
     *
     * @throws InvalidRequestException if it cannot be one
     */
    ConversationKey {
        if (id.length() > MAX_LENGTH || CONTROL.matcher(id).find()) {
            throw new InvalidRequestException("conversationId must have at most " + MAX_LENGTH
                    + " characters and no control characters, found " + id.length() + " characters");
        }
    }
}
