// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

/**
 * A JSON number (RFC 8259, section 6) as a double prints it: at most 17 digits, 15 of them before the point, and two in
 * the exponent. The bound also keeps an answer from losing itself in digits.
 *
 * @param part   what has been written last
 * @param digits how many more digits may follow before the exponent
 */
record NumberBody(Part part, int digits) implements Frame.Terminal {
    /** The beginning of a number. */
    static final NumberBody START = new NumberBody(Part.START, 0);
    private static final int MAX_DIGITS = 17;
    private static final int FOR_FRACTION = 2;

    /** Parts of a number. */
    enum Part {
        START, MINUS, ZERO, INTEGER, POINT, FRACTION, E, SIGN, EXPONENT
    }

    @Override
    public long shortest() {
        return canEnd() ? 0 : 1;
    }

    @Override
    public boolean canEnd() {
        return part == Part.ZERO || part == Part.INTEGER || part == Part.FRACTION || part == Part.EXPONENT;
    }

    @Override
    public int shortestByte() {
        return '0';
    }

    @Override
    public Terminal step(int value) {
        if (value >= '0' && value <= '9') {
            return digit(value);
        }
        return switch (value) {
            case '-' -> part == Part.START ? new NumberBody(Part.MINUS, 0) : part == Part.E ? sign() : IMPOSSIBLE;
            case '+' -> part == Part.E ? sign() : IMPOSSIBLE;
            case '.' -> part == Part.ZERO || part == Part.INTEGER ? new NumberBody(Part.POINT, digits) : IMPOSSIBLE;
            case 'e', 'E' -> canEnd() && part != Part.EXPONENT ? new NumberBody(Part.E, 0) : IMPOSSIBLE;
            default -> IMPOSSIBLE;
        };
    }

    private static NumberBody sign() {
        return new NumberBody(Part.SIGN, 0);
    }

    private Terminal digit(int value) {
        return switch (part) {
            case START, MINUS -> new NumberBody(value == '0' ? Part.ZERO : Part.INTEGER, MAX_DIGITS - 1);
            case ZERO -> IMPOSSIBLE;
            case POINT -> new NumberBody(Part.FRACTION, digits - 1);
            case E, SIGN -> new NumberBody(Part.EXPONENT, 0);
            case INTEGER -> digits == FOR_FRACTION ? IMPOSSIBLE : new NumberBody(part, digits - 1);
            case FRACTION -> digits == 0 ? IMPOSSIBLE : new NumberBody(part, digits - 1);
            case EXPONENT -> DONE; // the second digit is the last
        };
    }
}
