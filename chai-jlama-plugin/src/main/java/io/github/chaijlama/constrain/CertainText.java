// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The text that comes next whatever a model says, because a schema leaves no other: the names of properties that are
 * required, what encloses their values, the rest of a word once its beginning has said which. Whitespace is what the
 * answer has put in such places before.
 */
final class CertainText {
    /** Bytes of certain text that are looked at at once. */
    private static final int LONGEST = 1024;

    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private State state;

    private CertainText(State state) {
        this.state = state;
    }

    /**
     * Finds the text behind a state.
     *
     * @param style that of the answer up to there; not changed
     */
    static CertainText of(State state, WhitespaceStyle style) {
        CertainText certain = new CertainText(state);
        WhitespaceStyle ahead = style.copy();
        while (certain.text.size() < LONGEST && certain.goOn(ahead)) {
            // byte after byte
        }
        return certain;
    }

    private boolean goOn(WhitespaceStyle style) {
        int only = state.onlyByte();
        if (only < 0) {
            return false;
        }
        if (state.mayTakeWhitespace()) {
            Optional<String> whitespace = style.before(only);
            if (whitespace.isEmpty() || state.step(bytes(whitespace.get())).isDead()) {
                return false;
            }
            for (byte value : bytes(whitespace.get())) {
                take(value, style);
            }
        }
        take(only, style);
        return true;
    }

    private static byte[] bytes(String whitespace) {
        return whitespace.getBytes(StandardCharsets.US_ASCII);
    }

    private void take(int value, WhitespaceStyle style) {
        text.write(value);
        style.next(value);
        state = state.step(value & 0xFF);
    }

    /** Returns the bytes of the text, none if anything may come; the last character may not be complete. */
    byte[] text() {
        return text.toByteArray();
    }

    /** Returns the state behind the text. */
    State after() {
        return state;
    }
}
