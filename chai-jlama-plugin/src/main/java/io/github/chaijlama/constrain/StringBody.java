// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.function.IntPredicate;

/**
 * The inside of a JSON string (RFC 8259, section 7) up to and with the closing quotation mark: valid UTF-8 (RFC 3629,
 * section 4) without control characters, and escapes, of which those of surrogates come in pairs only.
 *
 * @param rules what the string may be
 * @param phase where in a character it is, {@link #BOUNDARY} between two
 * @param count characters (code points) so far, as far as the rules need to know
 */
record StringBody(Rules rules, int phase, int count) implements Frame.Terminal {
    /** Between two characters. */
    static final int BOUNDARY = 0;
    /** No string goes on like this. */
    static final int INVALID = -1;
    /** The string is complete. */
    static final int CLOSED = -2;

    /** One to three more bytes of UTF-8, then phases in which not every following byte may come next. */
    private static final int UTF8_1 = 1;
    private static final int UTF8_2 = 2;
    private static final int UTF8_3 = 3;
    private static final int UTF8_E0 = 4;
    private static final int UTF8_ED = 5;
    private static final int UTF8_F0 = 6;
    private static final int UTF8_F4 = 7;
    /** After the backslash. */
    private static final int ESCAPE = 8;
    /** Before each digit of an escape's number. */
    private static final int HEX_1 = 9;
    private static final int HEX_2 = 10;
    private static final int HEX_3 = 11;
    private static final int HEX_4 = 12;
    /** After a D as the first digit: a surrogate, or not yet. */
    private static final int HEX_2_AFTER_D = 13;
    /** The last two digits of a high surrogate, and the low surrogate that must follow. */
    private static final int HIGH_3 = 14;
    private static final int HIGH_4 = 15;
    private static final int LOW_BACKSLASH = 16;
    private static final int LOW_U = 17;
    private static final int LOW_1 = 18;
    private static final int LOW_2 = 19;
    private static final int LOW_3 = 20;
    private static final int LOW_4 = 21;

    /** Bytes that a phase needs to come to a boundary. */
    private static final int[] BYTES_LEFT = { 0, 1, 2, 3, 2, 2, 3, 3, 1, 4, 3, 2, 1, 3, 8, 7, 6, 5, 4, 3, 2, 1 };
    /** The bytes with which a phase gets there; filling is done with full stops. */
    private static final int[] SHORTEST_BYTE = { '.', 0x80, 0x80, 0x80, 0xA0, 0x80, 0x90, 0x80, 'n', '0', '0', '0', '0',
            '0', '0', '0', '\\', 'u', 'd', 'c', '0', '0' };
    private static final int[][] NEXT = new int[BYTES_LEFT.length][256];

    static {
        for (int phase = 0; phase < NEXT.length; phase++) {
            for (int value = 0; value < 256; value++) {
                NEXT[phase][value] = transition(phase, value);
            }
        }
    }

    /**
     * What a string may be.
     *
     * @param minLength fewest characters
     * @param maxLength most characters, -1 for any number
     * @param escapes   whether characters may be escaped
     */
    record Rules(int minLength, int maxLength, boolean escapes) {}

    /** The beginning of a string, after its opening quotation mark. */
    static StringBody of(int minLength, int maxLength, boolean escapes) {
        return new StringBody(new Rules(minLength, maxLength, escapes), BOUNDARY, 0);
    }

    /** Returns the phase after a byte, or {@link #CLOSED} or {@link #INVALID}, for a string without limits. */
    static int next(int phase, int value) {
        return NEXT[phase][value];
    }

    @Override
    public long shortest() {
        int missing = rules.minLength - count - (phase == BOUNDARY ? 0 : 1);
        return BYTES_LEFT[phase] + Math.max(0, missing) + 1L;
    }

    @Override
    public Terminal step(int value) {
        int next = NEXT[phase][value];
        if (next == INVALID || next == ESCAPE && !rules.escapes) {
            return IMPOSSIBLE;
        }
        if (next == CLOSED) {
            return count >= rules.minLength ? DONE : IMPOSSIBLE;
        }
        if (phase == BOUNDARY && count == rules.maxLength) {
            return IMPOSSIBLE;
        }
        return new StringBody(rules, next, next == BOUNDARY ? counted() : count);
    }

    /**
     * Without an upper limit it does not matter how far the lower one is passed: fewer states, whose tokens are
     * remembered.
     */
    private int counted() {
        return rules.maxLength < 0 ? Math.min(count + 1, rules.minLength) : count + 1;
    }

    @Override
    public boolean canEnd() {
        return false;
    }

    @Override
    public int shortestByte() {
        return phase == BOUNDARY && count >= rules.minLength ? '"' : SHORTEST_BYTE[phase];
    }

    private static int transition(int phase, int value) {
        return switch (phase) {
            case BOUNDARY -> first(value);
            case UTF8_1, UTF8_2, UTF8_3 -> between(value, 0x80, 0xBF, phase - 1);
            case UTF8_E0 -> between(value, 0xA0, 0xBF, UTF8_1);
            case UTF8_ED -> between(value, 0x80, 0x9F, UTF8_1);
            case UTF8_F0 -> between(value, 0x90, 0xBF, UTF8_2);
            case UTF8_F4 -> between(value, 0x80, 0x8F, UTF8_2);
            case ESCAPE -> value == 'u' ? HEX_1 : only(value, "\"\\/bfnrt", BOUNDARY);
            case HEX_1 -> value == 'd' || value == 'D' ? HEX_2_AFTER_D : hex(value, digit -> true, HEX_2);
            case HEX_2 -> hex(value, digit -> true, HEX_3);
            case HEX_3 -> hex(value, digit -> true, HEX_4);
            case HEX_4, LOW_4 -> hex(value, digit -> true, BOUNDARY);
            case HEX_2_AFTER_D -> Math.max(hex(value, digit -> digit < 0x8, HEX_3),
                    hex(value, digit -> digit >= 0x8 && digit < 0xC, HIGH_3));
            case HIGH_3, HIGH_4, LOW_3 -> hex(value, digit -> true, phase + 1);
            case LOW_BACKSLASH -> only(value, "\\", LOW_U);
            case LOW_U -> only(value, "u", LOW_1);
            case LOW_1 -> only(value, "dD", LOW_2);
            case LOW_2 -> hex(value, digit -> digit >= 0xC, LOW_3);
            default -> throw new IllegalArgumentException("there is no phase " + phase);
        };
    }

    private static int first(int value) {
        if (value == '"') {
            return CLOSED;
        }
        if (value == '\\') {
            return ESCAPE;
        }
        if (value < 0x80) {
            return value < 0x20 ? INVALID : BOUNDARY;
        }
        return switch (value) {
            case 0xE0 -> UTF8_E0;
            case 0xED -> UTF8_ED;
            case 0xF0 -> UTF8_F0;
            case 0xF4 -> UTF8_F4;
            default -> Math.max(between(value, 0xC2, 0xDF, UTF8_1),
                    Math.max(between(value, 0xE1, 0xEF, UTF8_2), between(value, 0xF1, 0xF3, UTF8_3)));
        };
    }

    private static int between(int value, int low, int high, int next) {
        return value >= low && value <= high ? next : INVALID;
    }

    private static int only(int value, String allowed, int next) {
        return allowed.indexOf(value) >= 0 ? next : INVALID;
    }

    private static int hex(int value, IntPredicate allowed, int next) {
        int digit = value < 0x80 ? Character.digit(value, 16) : -1;
        return digit >= 0 && allowed.test(digit) ? next : INVALID;
    }
}
