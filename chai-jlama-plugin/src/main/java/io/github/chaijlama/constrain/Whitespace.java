// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

/**
 * Whitespace between the tokens of JSON, never needed and always bounded, so that an answer cannot lose itself in it:
 * nothing, one space, or a line break and an indentation.
 */
enum Whitespace implements Frame.Terminal {
    /** Nothing or a space: before the answer, and after a colon. */
    SPACE,
    /** Nothing, a space, or a line break with indentation: inside brackets and after a comma. */
    BREAK,
    /** Up to as many spaces as the number says. */
    INDENT_16, INDENT_15, INDENT_14, INDENT_13, INDENT_12, INDENT_11, INDENT_10, INDENT_9,
    INDENT_8, INDENT_7, INDENT_6, INDENT_5, INDENT_4, INDENT_3, INDENT_2, INDENT_1;

    private static final Whitespace[] VALUES = values();

    @Override
    public long shortest() {
        return 0;
    }

    @Override
    public Terminal step(int value) {
        if (value == ' ') {
            return this == SPACE || this == BREAK || this == INDENT_1 ? DONE : VALUES[ordinal() + 1];
        }
        return value == '\n' && this == BREAK ? INDENT_16 : IMPOSSIBLE;
    }

    @Override
    public boolean canEnd() {
        return true;
    }

    @Override
    public int shortestByte() {
        return DONE.shortestByte();
    }
}
