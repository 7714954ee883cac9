// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.nio.charset.StandardCharsets;

import org.jspecify.annotations.Nullable;

/** A text that is written as it is. Two are equal if they are at the same place of the same text object. */
final class Literal implements Frame.Terminal {
    private final byte[] text;
    private final int at;

    private Literal(byte[] text, int at) {
        this.text = text;
        this.at = at;
    }

    /** A text of at least one byte. */
    static Literal of(String text) {
        return of(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A text of at least one byte, as a vocabulary spells it ({@link Vocabulary#spell}). */
    static Literal of(byte[] text) {
        return new Literal(text, 0);
    }

    @Override
    public long shortest() {
        return (long) text.length - at;
    }

    @Override
    public Terminal step(int value) {
        if (shortestByte() != value) {
            return IMPOSSIBLE;
        }
        return at + 1 == text.length ? DONE : new Literal(text, at + 1);
    }

    @Override
    public boolean canEnd() {
        return false;
    }

    @Override
    public int shortestByte() {
        return text[at] & 0xFF;
    }

    @Override
    public int hashCode() {
        return 31 * System.identityHashCode(text) + at;
    }

    @Override
    @SuppressWarnings("ReferenceEquality")
    public boolean equals(@Nullable Object object) {
        return object instanceof Literal other && text == other.text && at == other.at;
    }
}
