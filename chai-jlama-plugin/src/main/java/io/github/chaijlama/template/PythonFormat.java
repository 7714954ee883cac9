// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.PythonValues.TemplateFault;

/** Python's two ways to put values into a text: {@code '%5.2f' % x} and {@code '{:>5}'.format(x)}. */
final class PythonFormat {
    private static final Pattern PERCENT = Pattern.compile(
            "%(?:\\((?<name>[^)]*)\\))?(?<flags>[-+ 0#]*)(?<width>\\*|\\d+)?(?:\\.(?<precision>\\d*))?(?<type>.)",
            Pattern.DOTALL);
    private static final Pattern BRACES = Pattern
            .compile("\\{\\{|}}|\\{(?<field>[^{}!:]*)(?:!(?<conversion>[rs]))?(?::(?<spec>[^{}]*))?}|[{}]");
    private static final Pattern SPEC = Pattern.compile("(?:(?<fill>.)?(?<align>[<>^=]))?(?<sign>[-+ ])?(?<zero>0)?"
            + "(?<width>\\d+)?(?<comma>,)?(?:\\.(?<precision>\\d+))?(?<type>[a-zA-Z%])?", Pattern.DOTALL);
    private static final int DEFAULT_PRECISION = 6;
    /** Far more than a prompt needs, and less than fills the memory. */
    private static final int WIDEST = 10_000;

    private PythonFormat() {}

    /**
     * Returns {@code format % values}.
     *
     * @param values a tuple of values, a mapping for names, or one value
     */
    static String percent(String format, @Nullable Object values) {
        List<?> places = values instanceof PythonValues.Tuple tuple ? tuple : java.util.Arrays.asList(values);
        Matcher matcher = PERCENT.matcher(format);
        StringBuilder result = new StringBuilder();
        int next = 0;
        int from = 0;
        boolean named = false;
        for (int at = format.indexOf('%'); at >= 0; at = format.indexOf('%', from)) {
            result.append(format, from, at);
            if (!matcher.region(at, format.length()).lookingAt()) {
                throw new TemplateFault("the format '" + format + "' is not complete");
            }
            from = matcher.end();
            String type = matcher.group("type");
            if (type.equals("%")) {
                result.append('%');
                continue;
            }
            @Nullable Object value;
            if (matcher.group("name") != null) {
                named = true;
                value = values instanceof Map<?, ?> map && map.containsKey(matcher.group("name"))
                        ? map.get(matcher.group("name"))
                        : fault("the format wants a value named '" + matcher.group("name") + "'");
            } else {
                value = next < places.size() ? places.get(next++) : fault("the format wants more values");
            }
            result.append(one(value, matcher, type.charAt(0)));
        }
        if (!named && next < places.size() && !(values instanceof Map)) {
            throw new TemplateFault("the format does not use every value");
        }
        return result.append(format, from, format.length()).toString();
    }

    private static String one(@Nullable Object value, Matcher matcher, char type) {
        String flags = matcher.group("flags");
        Optional<Integer> precision = Optional.ofNullable(matcher.group("precision"))
                .map(digits -> digits.isEmpty() ? 0 : number(digits));
        if ("*".equals(matcher.group("width")) || flags.contains("#")) {
            throw new TemplateFault("the format '" + matcher.group() + "' is not supported");
        }
        String text = switch (type) {
            case 's' -> cut(PythonValues.text(value), precision);
            case 'r' -> cut(PythonValues.spelled(value), precision);
            case 'c' -> value instanceof String one ? one : Character.toString(PythonValues.number(value).intValue());
            case 'd', 'i', 'u' -> Long.toString(PythonValues.number(value).longValue());
            case 'x' -> Long.toString(PythonValues.number(value).longValue(), 16);
            case 'X' -> Long.toString(PythonValues.number(value).longValue(), 16).toUpperCase(Locale.ROOT);
            case 'o' -> Long.toString(PythonValues.number(value).longValue(), 8);
            case 'f', 'F', 'e', 'E', 'g', 'G' -> real(PythonValues.number(value).doubleValue(), type,
                    precision.orElse(DEFAULT_PRECISION));
            default -> throw new TemplateFault("the format '" + matcher.group() + "' is not supported");
        };
        boolean isNumber = "src".indexOf(type) < 0;
        String sign = !isNumber || text.startsWith("-") ? ""
                : flags.contains("+") ? "+"
                        : flags.contains(" ") ? " " : "";
        int width = matcher.group("width") == null ? 0 : number(matcher.group("width"));
        boolean zeros = isNumber && flags.contains("0");
        return padded(sign + text, flags.contains("-") ? '<' : zeros ? '=' : '>',
                zeros && !flags.contains("-") ? "0" : " ", width);
    }

    /** Returns {@code format.format(arguments)}. */
    static String braces(String format, PythonArguments arguments) {
        Matcher matcher = BRACES.matcher(format);
        StringBuilder result = new StringBuilder();
        int next = 0;
        int from = 0;
        while (matcher.find()) {
            result.append(format, from, matcher.start());
            from = matcher.end();
            String all = matcher.group();
            if (all.length() == 1) {
                throw new TemplateFault("a brace of the format '" + format + "' has no partner");
            }
            String field = matcher.group("field");
            if (field == null) { // two braces stand for one
                result.append(all.charAt(0));
                continue;
            }
            @Nullable Object value = field.isEmpty() ? place(arguments, next++)
                    : field.chars().allMatch(Character::isDigit) ? place(arguments, number(field))
                            : named(arguments, field);
            @Nullable Object shown = "r".equals(matcher.group("conversion")) ? PythonValues.spelled(value)
                    : "s".equals(matcher.group("conversion")) ? PythonValues.text(value) : value;
            result.append(specified(shown, matcher.group("spec")));
        }
        return result.append(format, from, format.length()).toString();
    }

    private static @Nullable Object place(PythonArguments arguments, int place) {
        return place < arguments.all().size() ? arguments.all().get(place) : fault("the format wants more values");
    }

    private static @Nullable Object named(PythonArguments arguments, String name) {
        return arguments.named().containsKey(name) ? arguments.named().get(name)
                : fault("the format wants a value named '" + name + "'");
    }

    private static String specified(@Nullable Object value, @Nullable String spec) {
        if (spec == null || spec.isEmpty()) {
            return PythonValues.text(value);
        }
        Matcher matcher = SPEC.matcher(spec);
        if (!matcher.matches()) {
            throw new TemplateFault("the format ':" + spec + "' is not supported");
        }
        Optional<Integer> precision = Optional.ofNullable(matcher.group("precision")).map(PythonFormat::number);
        String type = Optional.ofNullable(matcher.group("type")).orElse("");
        boolean isText = !(value instanceof Number);
        String text = value instanceof Number number ? ofNumber(number, type, precision, spec)
                : ofText(value, type, precision, spec);
        if (matcher.group("comma") != null) {
            text = grouped(text);
        }
        String sign = Optional.ofNullable(matcher.group("sign")).orElse("-");
        if (!isText && !text.startsWith("-") && !sign.equals("-")) {
            text = sign + text;
        }
        boolean zero = matcher.group("zero") != null && matcher.group("align") == null;
        String fill = Optional.ofNullable(matcher.group("fill")).orElse(zero ? "0" : " ");
        char align = matcher.group("align") != null ? matcher.group("align").charAt(0)
                : zero && !isText ? '=' : isText ? '<' : '>';
        return padded(text, align, fill, matcher.group("width") == null ? 0 : number(matcher.group("width")));
    }

    private static String ofText(@Nullable Object value, String type, Optional<Integer> precision, String spec) {
        if (!type.isEmpty() && !type.equals("s") || !(value instanceof String)) {
            throw new TemplateFault("the format ':" + spec + "' does not fit " + PythonValues.kind(value));
        }
        return cut(PythonValues.text(value), precision);
    }

    private static String ofNumber(Number value, String type, Optional<Integer> precision, String spec) {
        return switch (type) {
            case "" -> precision.isEmpty() ? PythonValues.text(value) : real(value.doubleValue(), 'g', precision.get());
            case "d" -> Long.toString(value.longValue());
            case "x" -> Long.toString(value.longValue(), 16);
            case "X" -> Long.toString(value.longValue(), 16).toUpperCase(Locale.ROOT);
            case "o" -> Long.toString(value.longValue(), 8);
            case "b" -> Long.toString(value.longValue(), 2);
            case "%" -> real(value.doubleValue() * 100, 'f', precision.orElse(DEFAULT_PRECISION)) + "%";
            case "f", "F", "e", "E", "g", "G" -> real(value.doubleValue(), type.charAt(0),
                    precision.orElse(DEFAULT_PRECISION));
            default -> throw new TemplateFault("the format ':" + spec + "' is not supported");
        };
    }

    /** Returns a number with commas between thousands. */
    private static String grouped(String number) {
        int start = number.startsWith("-") ? 1 : 0;
        int end = start;
        while (end < number.length() && Character.isDigit(number.charAt(end))) {
            end++;
        }
        StringBuilder result = new StringBuilder(number);
        for (int at = end - 3; at > start; at -= 3) {
            result.insert(at, ',');
        }
        return result.toString();
    }

    private static String real(double value, char type, int precision) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return PythonValues.spelled(value);
        }
        String text = switch (Character.toLowerCase(type)) {
            case 'f' -> plain(value, precision);
            case 'e' -> scientific(value, precision);
            default -> general(value, Math.max(1, precision));
        };
        return Character.isUpperCase(type) ? text.toUpperCase(Locale.ROOT) : text;
    }

    private static String plain(double value, int precision) {
        String text = new BigDecimal(value).setScale(precision, RoundingMode.HALF_EVEN).toPlainString();
        return isNegativeZero(value) || value < 0 && !text.startsWith("-") ? "-" + text : text;
    }

    private static String scientific(double value, int precision) {
        BigDecimal rounded = new BigDecimal(value).round(new MathContext(precision + 1, RoundingMode.HALF_EVEN));
        String digits = rounded.unscaledValue().abs().toString();
        int exponent = value == 0 ? 0 : digits.length() - 1 - rounded.scale();
        digits = value == 0 ? "0".repeat(precision + 1)
                : (digits + "0".repeat(precision + 1)).substring(0,
                        precision + 1);
        return (value < 0 || isNegativeZero(value) ? "-" : "") + digits.charAt(0)
                + (precision > 0 ? "." + digits.substring(1) : "")
                + (exponent < 0 ? "e-%02d" : "e+%02d").formatted(Math.abs(exponent));
    }

    private static String general(double value, int precision) {
        String scientific = scientific(value, precision - 1);
        int at = scientific.indexOf('e');
        int exponent = Integer.parseInt(scientific.substring(at + 1));
        if (exponent >= -4 && exponent < precision) {
            return withoutZeros(plain(value, precision - 1 - exponent));
        }
        return withoutZeros(scientific.substring(0, at)) + scientific.substring(at);
    }

    private static String withoutZeros(String number) {
        return number.contains(".") ? number.replaceFirst("\\.?0+$", "") : number;
    }

    private static boolean isNegativeZero(double value) {
        return Double.doubleToRawLongBits(value) == Long.MIN_VALUE;
    }

    private static String cut(String text, Optional<Integer> length) {
        return length.isEmpty() || text.codePointCount(0, text.length()) <= length.get() ? text
                : text.substring(0, text.offsetByCodePoints(0, length.get()));
    }

    /**
     * Returns a text with something before or behind it.
     *
     * @param align {@code <} for what is filled behind, {@code >} before, {@code ^} on both sides, {@code =} between
     *              sign and digits
     */
    static String padded(String text, char align, String fill, int width) {
        if (width > WIDEST) {
            throw new TemplateFault("a width of " + width + " is not supported");
        }
        int missing = width - text.codePointCount(0, text.length());
        if (missing <= 0) {
            return text;
        }
        int sign = align == '=' && !text.isEmpty() && "+- ".indexOf(text.charAt(0)) >= 0 ? 1 : 0;
        return switch (align) {
            case '<' -> text + fill.repeat(missing);
            case '^' -> fill.repeat(missing / 2) + text + fill.repeat(missing - missing / 2);
            default -> text.substring(0, sign) + fill.repeat(missing) + text.substring(sign);
        };
    }

    private static int number(String digits) {
        if (digits.length() > 6) {
            throw new TemplateFault("a width of " + digits + " is not supported");
        }
        return Integer.parseInt(digits);
    }

    private static Object fault(String message) {
        throw new TemplateFault(message);
    }
}
