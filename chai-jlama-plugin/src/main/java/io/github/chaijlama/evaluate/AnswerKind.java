// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/** Answers that are looked at by themselves, since a mean over long texts hides them. */
public enum AnswerKind {
    /** To the first message of a conversation, where that is short: what people type first. */
    FIRST_MESSAGE,
    /** A call of a tool, or JSON: one wrong token and no program can read it. */
    STRUCTURED
}
