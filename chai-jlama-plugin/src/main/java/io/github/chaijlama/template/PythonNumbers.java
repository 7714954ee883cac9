// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.PythonValues.TemplateFault;

/** Python's arithmetic, and what its signs mean beside texts and lists. */
final class PythonNumbers {
    private static final Pattern REAL = Pattern.compile("[-+]?(\\d[\\d_]*\\.?[\\d_]*|\\.\\d[\\d_]*)([eE][-+]?\\d+)?");
    /** Far more than a prompt needs, and less than fills the memory. */
    private static final long LONGEST = 1_000_000;

    private PythonNumbers() {}

    /** Multiplies numbers, or repeats a text or a list. */
    static Object multiply(@Nullable Object left, @Nullable Object right) {
        if (PythonValues.isInteger(right) && (left instanceof String || left instanceof List)) {
            return repeated(left, PythonValues.number(right).longValue());
        }
        if (PythonValues.isInteger(left) && (right instanceof String || right instanceof List)) {
            return repeated(right, PythonValues.number(left).longValue());
        }
        Number a = PythonValues.number(left);
        Number b = PythonValues.number(right);
        return PythonValues.isInteger(a) && PythonValues.isInteger(b)
                ? (Object) Math.multiplyExact(a.longValue(), b.longValue())
                : (Object) (a.doubleValue() * b.doubleValue());
    }

    private static Object repeated(Object value, long times) {
        long count = Math.max(0, times);
        if (PythonValues.length(value) * count > LONGEST || count > LONGEST) {
            throw new TemplateFault(PythonValues.kind(value) + " cannot be repeated " + times + " times");
        }
        if (value instanceof String text) {
            return text.repeat((int) count);
        }
        List<@Nullable Object> result = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            result.addAll((List<?>) value);
        }
        return result;
    }

    /** Returns a remainder with the sign of the divisor, or a text with values in it. */
    static Object modulo(@Nullable Object left, @Nullable Object right) {
        if (left instanceof String format) {
            return PythonFormat.percent(format, right);
        }
        Number a = PythonValues.number(left);
        Number b = PythonValues.number(right);
        if (!PythonValues.isTrue(b)) {
            throw new TemplateFault("division by zero");
        }
        if (PythonValues.isInteger(a) && PythonValues.isInteger(b)) {
            return Math.floorMod(a.longValue(), b.longValue());
        }
        double rest = a.doubleValue() % b.doubleValue();
        return rest != 0 && rest < 0 != b.doubleValue() < 0 ? rest + b.doubleValue() : rest;
    }

    static Object divide(@Nullable Object left, @Nullable Object right) {
        Number a = PythonValues.number(left);
        Number b = PythonValues.number(right);
        if (!PythonValues.isTrue(b)) {
            throw new TemplateFault("division by zero");
        }
        return a.doubleValue() / b.doubleValue();
    }

    /**
     * Returns a number with so many digits behind the point, as Jinja's filter {@code round} does.
     *
     * @param method {@code common}: to the nearest, halves of what a double holds exactly to even digits;
     *               {@code ceil} or {@code floor}
     */
    static Object round(Number value, int precision, String method) {
        if (Math.abs(precision) > 308) {
            throw new TemplateFault("'round' to " + precision + " digits is not supported");
        }
        if (method.equals("common")) {
            if (PythonValues.isInteger(value)) {
                return new BigDecimal(value.longValue()).setScale(Math.min(0, precision), RoundingMode.HALF_EVEN)
                        .longValueExact();
            }
            double real = value.doubleValue();
            if (Double.isNaN(real) || Double.isInfinite(real)) {
                return real;
            }
            return Math.copySign(new BigDecimal(real).setScale(precision, RoundingMode.HALF_EVEN).doubleValue(), real);
        }
        double scale = Math.pow(10, precision);
        return switch (method) {
            case "ceil" -> Math.ceil(value.doubleValue() * scale) / scale;
            case "floor" -> Math.floor(value.doubleValue() * scale) / scale;
            default -> throw new TemplateFault("'round' knows 'common', 'ceil' and 'floor', not '" + method + "'");
        };
    }

    /** Returns a value as Python's {@code float}, or what stands for it if it is none. */
    static @Nullable Object real(@Nullable Object value, @Nullable Object otherwise) {
        if (value instanceof Number || value instanceof Boolean) {
            return PythonValues.number(value).doubleValue();
        }
        String text = value instanceof String given ? PythonMethods.strip(given, null, true, true) : "";
        return REAL.matcher(text).matches() ? (Object) Double.valueOf(text.replace("_", "")) : otherwise;
    }
}
