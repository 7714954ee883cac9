// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Where the values of an axis lie in a drawing, and which of them get a tick.
 *
 * @param scale  how values are spread
 * @param wished values that get a tick as far as there is room; empty for round numbers
 * @param min    value at {@code from}
 * @param max    value at {@code to}, above {@code min}
 * @param from   coordinate of the smallest value
 * @param to     coordinate of the largest value
 */
record Ticks(Axis.Scale scale, List<Double> wished, double min, double max, double from, double to) {
    /** Leading digits of the ticks of a logarithmic axis, the more the shorter it is. */
    private static final List<List<Integer>> DIGITS = List.of(List.of(1, 2, 3, 4, 5, 6, 7, 8, 9), List.of(1, 2, 5),
            List.of(1));
    /** Values that span less than the first ratio end at any of these digits, those below the second at 1, 2 or 5. */
    private static final double[] SPANS = { 4, 100 };
    /** How many times as many ticks as wanted still have room. */
    private static final double ROOM = 1.5;

    /**
     * Returns a place for these values: the axis's own range where it has one, else just enough for the values and, if
     * they begin near zero, zero.
     *
     * @param wanted about how many ticks there should be
     */
    static Ticks of(Axis axis, double[] values, double from, double to, int wanted) {
        boolean logarithmic = axis.scale() == Axis.Scale.LOGARITHMIC;
        double[] usable = DoubleStream.of(values).filter(v -> Double.isFinite(v) && (!logarithmic || v > 0)).toArray();
        double low = DoubleStream.of(usable).min().orElse(logarithmic ? 0.1 : 0);
        double high = DoubleStream.of(usable).max().orElse(1);
        if (logarithmic) {
            List<Integer> digits = digitsBetween(low, high);
            double floor = below(low, digits);
            double ceiling = above(high, digits);
            return new Ticks(axis.scale(), axis.ticks(), axis.min().orElse(floor),
                    axis.max().orElse(ceiling > floor ? ceiling : 10 * floor), from, to);
        }
        if (low > 0 && low < high / 2) {
            low = 0;
        }
        low = axis.min().orElse(low);
        high = axis.max().orElse(high);
        if (low == high) {
            double spread = low == 0 ? 1 : Math.abs(low) / 10;
            low -= low == 0 ? 0 : spread;
            high += spread;
        }
        double step = step(low, high, wanted, axis.scale());
        return new Ticks(axis.scale(), axis.ticks(), axis.min().orElse(Math.floor(low / step) * step),
                axis.max().orElse(Math.ceil(high / step) * step), from, to);
    }

    /** Returns whether a value has a place. */
    boolean contains(double value) {
        return Double.isFinite(value) && value >= min - 1e-9 * Math.abs(min) && value <= max + 1e-9 * Math.abs(max);
    }

    /** Returns the coordinate of a value; what lies outside is moved to the edge. */
    double position(double value) {
        double share = scale == Axis.Scale.LOGARITHMIC
                ? (Math.log(Math.max(value, min)) - Math.log(min)) / (Math.log(max) - Math.log(min))
                : (value - min) / (max - min);
        return from + Math.clamp(share, 0, 1) * (to - from);
    }

    /** Returns the values that get a tick, about as many as wanted. */
    List<Double> values(int wanted) {
        if (!wished.isEmpty()) {
            return apart(wanted);
        }
        return scale == Axis.Scale.LOGARITHMIC ? digits(wanted) : multiples(wanted);
    }

    /** Returns the wished ones, without those too close to the one before. */
    private List<Double> apart(int wanted) {
        List<Double> ticks = new ArrayList<>();
        for (double value : wished) {
            if (contains(value) && (ticks.isEmpty() || Math.abs(position(value) - position(ticks.getLast()))
                    * ROOM * wanted >= Math.abs(to - from))) {
                ticks.add(value);
            }
        }
        return ticks;
    }

    private List<Double> multiples(int wanted) {
        double step = step(min, max, wanted, scale);
        List<Double> ticks = new ArrayList<>();
        for (long i = (long) Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++) {
            ticks.add(i * step);
        }
        return ticks;
    }

    /** Returns the multiples of powers of ten by as many digits as have room. */
    private List<Double> digits(int wanted) {
        for (List<Integer> digits : DIGITS) {
            List<Double> ticks = multiplesOfPowers(digits, 1);
            if (ticks.size() <= ROOM * wanted) {
                return ticks;
            }
        }
        return multiplesOfPowers(DIGITS.getLast(), (int) Math.ceil(Math.log10(max / min) / wanted - 1e-9));
    }

    private List<Double> multiplesOfPowers(List<Integer> digits, int stride) {
        List<Double> ticks = new ArrayList<>();
        int last = (int) Math.floor(Math.log10(max) + 1e-9);
        for (int exponent = (int) Math.floor(Math.log10(min) + 1e-9); exponent <= last; exponent += stride) {
            for (int digit : digits) {
                double value = digit * Math.pow(10, exponent);
                if (contains(value)) {
                    ticks.add(value);
                }
            }
        }
        return ticks;
    }

    /** Returns the digits that a logarithmic axis from one value to another may begin and end with. */
    private static List<Integer> digitsBetween(double low, double high) {
        for (int i = 0; i < SPANS.length; i++) {
            if (low < high && high < SPANS[i] * low) {
                return DIGITS.get(i);
            }
        }
        return DIGITS.getLast();
    }

    private static double below(double value, List<Integer> digits) {
        double power = power(value);
        return power * digits.stream().filter(digit -> digit * power <= value * (1 + 1e-9)).mapToInt(digit -> digit)
                .max().orElse(1);
    }

    private static double above(double value, List<Integer> digits) {
        double power = power(value);
        return power * digits.stream().filter(digit -> digit * power >= value * (1 - 1e-9)).mapToInt(digit -> digit)
                .min().orElse(10);
    }

    /** Returns the largest power of ten that is not above a value. */
    private static double power(double value) {
        return Math.pow(10, Math.floor(Math.log10(value) + 1e-9));
    }

    /** Returns 1, 2 or 5 times a power of ten. */
    private static double step(double low, double high, int wanted, Axis.Scale scale) {
        double rough = (high - low) / wanted;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double ratio = rough / power;
        double step = power * (ratio < 1 + 1e-9 ? 1 : ratio < 2 + 1e-9 ? 2 : ratio < 5 + 1e-9 ? 5 : 10);
        return scale == Axis.Scale.INTEGER ? Math.max(1, step) : step;
    }
}
