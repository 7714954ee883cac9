// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

/** A message came while the one before it was still being answered. */
final class ConversationBusyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ConversationBusyException() {
        super("another message of this conversation is being answered; try again when its answer is there");
    }
}
