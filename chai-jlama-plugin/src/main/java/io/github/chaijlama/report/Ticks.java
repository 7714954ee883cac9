// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Where the values of an axis lie in a drawing, and which of them get a tick.
 *
 * @param scale how values are spread
 * @param min   value at {@code from}
 * @param max   value at {@code to}, above {@code min}
 * @param from  coordinate of the smallest value
 * @param to    coordinate of the largest value
 */
record Ticks(Axis.Scale scale, double min, double max, double from, double to) {

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
            double floor = Math.pow(10, Math.floor(Math.log10(low)));
            double ceiling = Math.pow(10, Math.ceil(Math.log10(high)));
            low = axis.min().orElse(floor);
            high = axis.max().orElse(ceiling > floor ? ceiling : 10 * floor);
            return new Ticks(axis.scale(), low, high, from, to);
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
        return new Ticks(axis.scale(), axis.min().orElse(Math.floor(low / step) * step),
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
        return scale == Axis.Scale.LOGARITHMIC ? powers(wanted) : multiples(wanted);
    }

    private List<Double> multiples(int wanted) {
        double step = step(min, max, wanted, scale);
        List<Double> ticks = new ArrayList<>();
        for (long i = (long) Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++) {
            ticks.add(i * step);
        }
        return ticks;
    }

    private List<Double> powers(int wanted) {
        int first = (int) Math.ceil(Math.log10(min) - 1e-9);
        int last = (int) Math.floor(Math.log10(max) + 1e-9);
        int stride = Math.max(1, (int) Math.ceil((last - first) / (double) wanted));
        List<Double> ticks = new ArrayList<>();
        for (int exponent = first; exponent <= last; exponent += stride) {
            ticks.add(Math.pow(10, exponent));
        }
        return ticks;
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
