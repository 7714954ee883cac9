// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.math.BigDecimal;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

import com.hubspot.jinjava.objects.PyWrapper;
import org.jspecify.annotations.Nullable;

/**
 * Values of a chat template as Python sees them: what is true, equal, or a text. Java's null is what Jinja calls
 * undefined; Python's {@code None} is {@link #NONE}.
 */
final class PythonValues {
    /** Python's {@code None}. */
    static final Object NONE = new None();

    private PythonValues() {}

    private static final class None {
        @Override
        public String toString() {
            return "None";
        }
    }

    /** Whether a value is {@link #NONE}. */
    static boolean isNone(@Nullable Object value) {
        return value instanceof None;
    }

    /** Values in round brackets, which stay what they are; Jinjava would make a list of its own of others. */
    static final class Tuple extends AbstractList<@Nullable Object> implements PyWrapper {
        private final @Nullable Object[] values;

        Tuple(@Nullable Object... values) {
            this.values = values;
        }

        @Override
        public @Nullable Object get(int index) {
            return values[index];
        }

        @Override
        public int size() {
            return values.length;
        }
    }

    /** What a template cannot do, said to whoever reads the message. */
    static final class TemplateFault extends RuntimeException {
        private static final long serialVersionUID = 1L;

        TemplateFault(String message) {
            super(message);
        }
    }

    /** Whether Python takes a value for true. */
    static boolean isTrue(@Nullable Object value) {
        return switch (value) {
            case null -> false;
            case Boolean bool -> bool;
            case Number number -> number.doubleValue() != 0;
            case CharSequence text -> !text.isEmpty();
            case Collection<?> list -> !list.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            default -> !isNone(value);
        };
    }

    /** Returns what a template writes for a value. */
    static String text(@Nullable Object value) {
        return switch (value) {
            case null -> "";
            case CharSequence text -> text.toString();
            default -> spelled(value);
        };
    }

    /** Returns a value as it stands in a list that is written. */
    static String spelled(@Nullable Object value) {
        return switch (value) {
            case null -> "Undefined";
            case Boolean bool -> bool ? "True" : "False";
            case Double number -> spelled(number.doubleValue());
            case CharSequence text -> quoted(text.toString());
            case Tuple tuple -> tuple.stream().map(PythonValues::spelled)
                    .collect(Collectors.joining(", ", "(", tuple.size() == 1 ? ",)" : ")"));
            case Collection<?> list -> list.stream().map(PythonValues::spelled)
                    .collect(Collectors.joining(", ", "[", "]"));
            case Map<?, ?> map -> map.entrySet().stream()
                    .map(entry -> spelled(entry.getKey()) + ": " + spelled(entry.getValue()))
                    .collect(Collectors.joining(", ", "{", "}"));
            default -> value.toString();
        };
    }

    /** Returns a number as Python writes it. */
    static String spelled(double number) {
        if (Double.isNaN(number) || Double.isInfinite(number)) {
            return Double.isNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        }
        if (Double.doubleToRawLongBits(number) == Long.MIN_VALUE) {
            return "-0.0";
        }
        double size = Math.abs(number);
        if (size == 0 || size >= 1e-4 && size < 1e16) {
            String plain = new BigDecimal(Double.toString(number)).toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String[] parts = Double.toString(number).split("E", 2);
        int exponent = Integer.parseInt(parts[1]);
        return (parts[0].endsWith(".0") ? parts[0].substring(0, parts[0].length() - 2) : parts[0])
                + (exponent < 0 ? "e-%02d" : "e+%02d").formatted(Math.abs(exponent));
    }

    private static String quoted(String text) {
        char quote = text.contains("'") && !text.contains("\"") ? '"' : '\'';
        StringBuilder result = new StringBuilder().append(quote);
        text.codePoints().forEach(character -> {
            switch (character) {
                case '\n' -> result.append("\\n");
                case '\r' -> result.append("\\r");
                case '\t' -> result.append("\\t");
                case '\\' -> result.append("\\\\");
                default -> {
                    if (character == quote) {
                        result.append('\\').append(quote);
                    } else if (isPrintable(character)) {
                        result.appendCodePoint(character);
                    } else {
                        String format = character < 0x100 ? "\\x%02x" : character < 0x10000 ? "\\u%04x" : "\\U%08x";
                        result.append(format.formatted(character));
                    }
                }
            }
        });
        return result.append(quote).toString();
    }

    private static boolean isPrintable(int character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
                    Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
                false;
            case Character.SPACE_SEPARATOR -> character == ' ';
            default -> true;
        };
    }

    /** What Python strips and splits at. */
    static boolean isWhitespace(int character) {
        return Character.isSpaceChar(character) || character >= '\t' && character <= '\r'
                || character >= 0x1C && character <= 0x1F || character == 0x85;
    }

    /** Whether two values are equal; values of different kinds never are. */
    static boolean equal(@Nullable Object left, @Nullable Object right) {
        if (isNumber(left) && isNumber(right)) {
            return compare(left, right) == 0;
        }
        if (left instanceof List<?> a && right instanceof List<?> b) {
            if (a.size() != b.size()) {
                return false;
            }
            for (int i = 0; i < a.size(); i++) {
                if (!equal(a.get(i), b.get(i))) {
                    return false;
                }
            }
            return true;
        }
        return Objects.equals(left, right);
    }

    private static boolean isNumber(@Nullable Object value) {
        return value instanceof Number || value instanceof Boolean;
    }

    private static BigDecimal decimal(@Nullable Object value) {
        return value instanceof Boolean bool ? bool ? BigDecimal.ONE : BigDecimal.ZERO
                : new BigDecimal(String.valueOf(value));
    }

    /** Compares numbers, or texts by their characters. */
    static int compare(@Nullable Object left, @Nullable Object right) {
        if (isNumber(left) && isNumber(right)) {
            return decimal(left).compareTo(decimal(right));
        }
        if (left instanceof String a && right instanceof String b) {
            return Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());
        }
        throw new TemplateFault(kind(left) + " and " + kind(right) + " cannot be compared");
    }

    /** Adds numbers, texts or lists. */
    static Object add(@Nullable Object left, @Nullable Object right) {
        if (left instanceof String a && right instanceof String b) {
            return a + b;
        }
        if (left instanceof List<?> a && right instanceof List<?> b) {
            List<Object> sum = new ArrayList<>(a);
            sum.addAll(b);
            return sum;
        }
        if (isNumber(left) && isNumber(right)) {
            BigDecimal sum = decimal(left).add(decimal(right));
            return isInteger(left) && isInteger(right) ? (Object) sum.longValueExact()
                    : (Object) (number(left).doubleValue() + number(right).doubleValue());
        }
        throw new TemplateFault(kind(left) + " and " + kind(right) + " cannot be added");
    }

    static Number number(@Nullable Object value) {
        if (!isNumber(value)) {
            throw new TemplateFault(kind(value) + " is no number");
        }
        return value instanceof Number number ? number : (Number) decimal(value).longValueExact();
    }

    static boolean isInteger(@Nullable Object value) {
        return value instanceof Long || value instanceof Integer || value instanceof Boolean;
    }

    /** Whether {@code container} has a part, a key, or an element. */
    static boolean contains(@Nullable Object container, @Nullable Object value) {
        return switch (container) {
            case null -> false;
            case String text when value instanceof String part -> text.contains(part);
            case Map<?, ?> map -> value instanceof String && map.containsKey(value);
            case Collection<?> list -> list.stream().anyMatch(element -> equal(element, value));
            default -> throw new TemplateFault("nothing can be in " + kind(container));
        };
    }

    /** Returns the elements of a value as {@code for} sees them. */
    static List<@Nullable Object> elements(@Nullable Object value) {
        return switch (value) {
            case null -> List.of();
            case String text -> text.codePoints().<Object>mapToObj(Character::toString).toList();
            case Map<?, ?> map -> new ArrayList<>(map.keySet());
            case Collection<?> list -> new ArrayList<>(list);
            default -> throw new TemplateFault(kind(value) + " has no elements");
        };
    }

    /** Returns how many elements a value has; a character is one, however Java stores it. */
    static long length(@Nullable Object value) {
        return value instanceof String text ? text.codePointCount(0, text.length()) : elements(value).size();
    }

    /** Returns {@code value.name}, undefined if there is none. */
    static @Nullable Object attribute(@Nullable Object value, String name) {
        return switch (value) {
            case null -> throw new TemplateFault("'" + name + "' of something undefined");
            case Map<?, ?> map -> map.get(name);
            case PythonLoop loop -> loop.attribute(name);
            case PythonFunctions.Cycler cycler when name.equals("current") -> cycler.current();
            case Tuple group when name.equals("grouper") && group.size() == 2 -> group.get(0);
            case Tuple group when name.equals("list") && group.size() == 2 -> group.get(1);
            default -> null;
        };
    }

    /** Returns {@code value[index]}, undefined if there is none. */
    static @Nullable Object element(@Nullable Object value, @Nullable Object index) {
        if (isInteger(index) && (value instanceof List<?> || value instanceof String)) {
            List<@Nullable Object> elements = elements(value);
            long at = number(index).longValue();
            at += at < 0 ? elements.size() : 0;
            return at >= 0 && at < elements.size() ? elements.get((int) at) : null;
        }
        return attribute(value, text(index));
    }

    /** Returns {@code value[start:stop:step]}; undefined and {@code None} stand for what is not written. */
    static Object slice(@Nullable Object value, @Nullable Object start, @Nullable Object stop, @Nullable Object step) {
        if (!(value instanceof List<?>) && !(value instanceof String)) {
            throw new TemplateFault(kind(value) + " has no parts");
        }
        List<@Nullable Object> elements = elements(value);
        int by = bound(step, 1);
        if (by == 0) {
            throw new TemplateFault("the step of a slice is 0");
        }
        int first = by > 0 ? 0 : -1;
        int last = by > 0 ? elements.size() : elements.size() - 1;
        int from = clamp(bound(start, by > 0 ? first : Integer.MAX_VALUE), elements.size(), first, last);
        int to = isGiven(stop) ? clamp(bound(stop, 0), elements.size(), first, last) : by > 0 ? last : first;
        List<@Nullable Object> part = new ArrayList<>();
        for (int i = from; by > 0 ? i < to : i > to; i += by) {
            part.add(elements.get(i));
        }
        return value instanceof String ? part.stream().map(String::valueOf).collect(Collectors.joining()) : part;
    }

    private static boolean isGiven(@Nullable Object bound) {
        return bound != null && !isNone(bound);
    }

    private static int bound(@Nullable Object bound, int otherwise) {
        return isGiven(bound) ? Math.clamp(number(bound).longValue(), -Integer.MAX_VALUE, Integer.MAX_VALUE)
                : otherwise;
    }

    private static int clamp(int bound, int size, int first, int last) {
        return Math.clamp(bound < 0 ? bound + (long) size : bound, first, last);
    }

    /** Returns what kind of value this is, for messages. */
    static String kind(@Nullable Object value) {
        return switch (value) {
            case null -> "something undefined";
            case String text -> "a text";
            case Boolean bool -> "a truth value";
            case Number number -> "a number";
            case Map<?, ?> map -> "a mapping";
            case Collection<?> list -> "a list";
            default -> isNone(value) ? "None" : "this kind of value";
        };
    }
}
