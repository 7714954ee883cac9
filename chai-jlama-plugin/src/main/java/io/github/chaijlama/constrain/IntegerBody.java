// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

/**
 * An integer of a range, without fraction, exponent or leading zeros.
 *
 * @param low  the smallest, at least {@code -MAX}
 * @param high the largest, at least {@code low} and at most {@code MAX}
 */
record IntegerBody(long low, long high) implements Frame.Terminal {
    /** The largest integer that is ever written: 18 digits, which a {@code long} holds whatever they are. */
    static final long MAX = 999_999_999_999_999_999L;
    /** No integer at all. */
    static final IntegerBody NONE = new IntegerBody(1, 0);
    private static final int MAX_DIGITS = 18;

    private Terminal positive() {
        return high < 0 ? IMPOSSIBLE : new Digits(Math.max(0, low), high, 0, 0);
    }

    private Terminal negative() {
        return low >= 0 ? IMPOSSIBLE : new Digits(Math.max(1, -high), -low, 0, 0);
    }

    @Override
    public long shortest() {
        return equals(NONE) ? NEVER : Math.min(positive().shortest(), negative().shortest() + 1);
    }

    @Override
    public Terminal step(int value) {
        return value == '-' ? negative() : positive().step(value);
    }

    @Override
    public boolean canEnd() {
        return false;
    }

    @Override
    public int shortestByte() {
        return shortest() == positive().shortest() ? positive().shortestByte() : '-';
    }

    /**
     * The digits of a number that is not negative.
     *
     * @param low    the smallest
     * @param high   the largest
     * @param value  the number that the digits so far are
     * @param digits how many digits there are so far
     */
    record Digits(long low, long high, long value, int digits) implements Frame.Terminal {

        @Override
        public long shortest() {
            if (digits == 0) {
                return Long.toString(low).length();
            }
            long scale = 1;
            for (int more = 0; more <= MAX_DIGITS - digits; more++, scale *= 10) {
                if (value * scale <= high && value * scale + scale - 1 >= low) {
                    return more;
                }
            }
            return NEVER;
        }

        @Override
        public Terminal step(int next) {
            int digit = next - '0';
            if (digit < 0 || digit > 9 || digits == MAX_DIGITS) {
                return IMPOSSIBLE;
            }
            if (digits == 0 && digit == 0) {
                return low == 0 ? DONE : IMPOSSIBLE;
            }
            return new Digits(low, high, value * 10 + digit, digits + 1).simplified();
        }

        /** Where no limit is near, only how many digits may follow matters: few states, whose tokens are remembered. */
        private Terminal simplified() {
            int lengths = 0;
            long scale = 1;
            for (int more = 0; more <= MAX_DIGITS - digits; more++, scale *= 10) {
                long first = value * scale;
                long last = first + scale - 1;
                if (first >= low && last <= high) {
                    lengths |= 1 << more;
                } else if (first <= high && last >= low) {
                    return this;
                }
            }
            return lengths == 0 ? IMPOSSIBLE : FreeDigits.of(lengths);
        }

        @Override
        public boolean canEnd() {
            return digits > 0 && value >= low && value <= high;
        }

        @Override
        public int shortestByte() {
            for (int digit = '0'; digit <= '9'; digit++) {
                if (step(digit).shortest() == shortest() - 1) {
                    return digit;
                }
            }
            throw new IllegalStateException("no digit can follow " + this);
        }
    }

    /**
     * Any digits.
     *
     * @param lengths bit n is set if exactly n digits may follow
     */
    record FreeDigits(int lengths) implements Frame.Terminal {

        /** Where no digit may follow, the number is done. */
        static Terminal of(int lengths) {
            return lengths == 1 ? DONE : new FreeDigits(lengths);
        }

        @Override
        public long shortest() {
            return Integer.numberOfTrailingZeros(lengths);
        }

        @Override
        public Terminal step(int value) {
            return value >= '0' && value <= '9' && lengths > 1 ? of(lengths >> 1) : IMPOSSIBLE;
        }

        @Override
        public boolean canEnd() {
            return (lengths & 1) != 0;
        }

        @Override
        public int shortestByte() {
            return '0';
        }
    }
}
