// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.PythonValues.TemplateFault;

/** The methods of Python's texts, mappings and lists that chat templates call. Any other is an error. */
final class PythonMethods {
    private static final Pattern LINE = Pattern.compile(
            "([^\\n\\r\\x0b\\f\\x1c-\\x1e\\x85\\u2028\\u2029]*)"
                    + "(\\r\\n|[\\n\\r\\x0b\\f\\x1c-\\x1e\\x85\\u2028\\u2029]|$)");

    private PythonMethods() {}

    /** Calls {@code value.name(arguments)}. */
    static Object call(@Nullable Object value, String name, PythonArguments arguments) {
        @Nullable Object result = switch (value) {
            case String text -> ofText(text, name, arguments);
            case Map<?, ?> map -> ofMapping(map, name, arguments);
            case List<?> list -> ofList(list, name, arguments);
            case PythonLoop loop when name.equals("cycle") -> loop.cycle(arguments.all());
            case PythonLoop loop when name.equals("changed") -> loop.changed(arguments.all());
            case PythonFunctions.Cycler cycler when name.equals("next") -> cycler.next();
            case PythonFunctions.Cycler cycler when name.equals("reset") -> cycler.reset();
            case null, default -> null;
        };
        if (result == null) {
            throw new TemplateFault(PythonValues.kind(value) + " has no method '" + name + "' that is supported");
        }
        return result;
    }

    private static @Nullable Object ofMapping(Map<?, ?> map, String name, PythonArguments arguments) {
        return switch (name) {
            case "get" -> {
                Object key = arguments.get(0, "key");
                yield map.containsKey(key) ? map.get(key) : arguments.get(1, "default", PythonValues.NONE);
            }
            case "items" -> entries(map);
            case "keys" -> new ArrayList<Object>(map.keySet());
            case "values" -> new ArrayList<Object>(map.values());
            default -> null;
        };
    }

    /** Returns the pairs of keys and values. */
    static List<Object> entries(Map<?, ?> map) {
        return map.entrySet().stream()
                .<Object>map(entry -> new PythonValues.Tuple(entry.getKey(), entry.getValue())).toList();
    }

    private static @Nullable Object ofList(List<?> list, String name, PythonArguments arguments) {
        Object wanted = arguments.get(0, "value");
        return switch (name) {
            case "count" -> list.stream().filter(element -> PythonValues.equal(element, wanted)).count();
            case "index" -> {
                for (int i = 0; i < list.size(); i++) {
                    if (PythonValues.equal(list.get(i), wanted)) {
                        yield (long) i;
                    }
                }
                throw new TemplateFault("a list has no such element");
            }
            default -> null;
        };
    }

    private static @Nullable Object ofText(String text, String name, PythonArguments arguments) {
        return switch (name) {
            case "strip" -> strip(text, arguments.get(0, "chars"), true, true);
            case "lstrip" -> strip(text, arguments.get(0, "chars"), true, false);
            case "rstrip" -> strip(text, arguments.get(0, "chars"), false, true);
            case "split" -> split(text, arguments);
            case "rsplit" -> splitFromRight(text, arguments);
            case "splitlines" -> lines(text);
            case "startswith" -> any(arguments, text::startsWith);
            case "endswith" -> any(arguments, text::endsWith);
            case "removeprefix" -> text.startsWith(arguments.text(0)) ? text.substring(arguments.text(0).length())
                    : text;
            case "removesuffix" -> text.endsWith(arguments.text(0))
                    ? text.substring(0, text.length() - arguments.text(0).length())
                    : text;
            case "upper" -> text.toUpperCase(Locale.ROOT);
            case "lower" -> text.toLowerCase(Locale.ROOT);
            case "title" -> title(text);
            case "capitalize" -> capitalize(text);
            case "replace" -> replace(text, arguments.text(0), arguments.text(1), arguments.get(2, "count", -1L));
            case "join" -> PythonValues.elements(arguments.get(0, "iterable")).stream()
                    .map(PythonMethods::requireText).collect(Collectors.joining(text));
            case "partition" -> partition(text, arguments.text(0), text.indexOf(arguments.text(0)), false);
            case "rpartition" -> partition(text, arguments.text(0), text.lastIndexOf(arguments.text(0)), true);
            case "index" -> found(text, text.indexOf(arguments.text(0)));
            case "rindex" -> found(text, text.lastIndexOf(arguments.text(0)));
            case "format" -> PythonFormat.braces(text, arguments);
            case "swapcase" -> swapCase(text);
            case "zfill" -> PythonFormat.padded(text, '=', "0", width(arguments));
            case "ljust" -> PythonFormat.padded(text, '<', fill(arguments), width(arguments));
            case "rjust" -> PythonFormat.padded(text, '>', fill(arguments), width(arguments));
            case "center" -> center(text, width(arguments), fill(arguments));
            case "find" -> position(text, text.indexOf(arguments.text(0)));
            case "rfind" -> position(text, text.lastIndexOf(arguments.text(0)));
            case "count" -> (long) text.split(Pattern.quote(arguments.text(0)), -1).length - 1;
            case "isdigit" -> all(text, Character::isDigit);
            case "isalpha" -> all(text, Character::isLetter);
            case "isalnum" -> all(text, Character::isLetterOrDigit);
            case "isspace" -> all(text, PythonValues::isWhitespace);
            case "isdecimal" -> all(text, character -> Character.getType(character) == Character.DECIMAL_DIGIT_NUMBER);
            case "isnumeric" -> all(text, PythonMethods::isNumeric);
            case "isupper" -> hasCase(text, true);
            case "islower" -> hasCase(text, false);
            default -> null;
        };
    }

    /** Returns a text without whitespace, or without any of some characters, at its ends. */
    static String strip(String text, @Nullable Object characters, boolean left, boolean right) {
        IntPredicate goes = characters == null || PythonValues.isNone(characters) ? PythonValues::isWhitespace
                : character -> requireText(characters).indexOf(character) >= 0;
        int start = 0;
        int end = text.length();
        while (left && start < end && goes.test(text.codePointAt(start))) {
            start += Character.charCount(text.codePointAt(start));
        }
        while (right && start < end && goes.test(text.codePointBefore(end))) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(start, end);
    }

    private static List<Object> split(String text, PythonArguments arguments) {
        Object separator = arguments.get(0, "sep", PythonValues.NONE);
        long most = PythonValues.number(arguments.get(1, "maxsplit", -1L)).longValue();
        List<Object> parts = new ArrayList<>();
        if (PythonValues.isNone(separator)) {
            String rest = strip(text, null, true, false);
            while (!rest.isEmpty()) {
                int end = 0;
                while (end < rest.length() && !PythonValues.isWhitespace(rest.charAt(end))) {
                    end++;
                }
                boolean last = most >= 0 && parts.size() >= most;
                parts.add(last ? strip(rest, null, false, true) : rest.substring(0, end));
                rest = last ? "" : strip(rest.substring(end), null, true, false);
            }
            return parts;
        }
        String between = requireSeparator(separator);
        int from = 0;
        for (int at = text.indexOf(between); at >= 0 && (most < 0 || parts.size() < most); at = text.indexOf(between,
                from)) {
            parts.add(text.substring(from, at));
            from = at + between.length();
        }
        parts.add(text.substring(from));
        return parts;
    }

    private static List<Object> splitFromRight(String text, PythonArguments arguments) {
        String separator = requireSeparator(arguments.get(0, "sep", PythonValues.NONE));
        long most = PythonValues.number(arguments.get(1, "maxsplit", -1L)).longValue();
        List<Object> parts = new ArrayList<>();
        int end = text.length();
        int at = text.lastIndexOf(separator);
        while (at >= 0 && (most < 0 || parts.size() < most)) {
            parts.addFirst(text.substring(at + separator.length(), end));
            end = at;
            at = text.lastIndexOf(separator, end - separator.length());
        }
        parts.addFirst(text.substring(0, end));
        return parts;
    }

    private static String requireSeparator(@Nullable Object separator) {
        String text = requireText(separator);
        if (text.isEmpty()) {
            throw new TemplateFault("a text is split at nothing");
        }
        return text;
    }

    private static List<Object> lines(String text) {
        List<Object> lines = new ArrayList<>();
        Matcher line = LINE.matcher(text);
        for (int at = 0; at < text.length() && line.find(at); at = line.end()) {
            lines.add(line.group(1));
        }
        return lines;
    }

    private static boolean any(PythonArguments arguments, java.util.function.Predicate<String> test) {
        Object wanted = arguments.get(0, "prefix");
        return wanted instanceof List<?> list ? list.stream().map(PythonMethods::requireText).anyMatch(test)
                : test.test(requireText(wanted));
    }

    static String title(String text) {
        StringBuilder result = new StringBuilder();
        boolean inWord = false;
        for (int character : text.codePoints().toArray()) {
            result.append(inWord ? Character.toString(character).toLowerCase(Locale.ROOT) : titleCase(character));
            inWord = Character.isLetter(character);
        }
        return result.toString();
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int end = text.offsetByCodePoints(0, 1);
        return titleCase(text.codePointAt(0)) + text.substring(end).toLowerCase(Locale.ROOT);
    }

    private static String titleCase(int character) {
        String upper = Character.toString(character).toUpperCase(Locale.ROOT);
        // One letter may become several, of which the first is a capital.
        return upper.codePointCount(0, upper.length()) == 1 ? Character.toString(Character.toTitleCase(character))
                : upper.substring(0, 1) + upper.substring(1).toLowerCase(Locale.ROOT);
    }

    static String replace(String text, String old, String by, @Nullable Object count) {
        long most = PythonValues.number(count).longValue();
        if (most < 0) {
            return text.replace(old, by);
        }
        Matcher matcher = Pattern.compile(Pattern.quote(old)).matcher(text);
        StringBuilder result = new StringBuilder();
        for (long i = 0; i < most && matcher.find(); i++) {
            matcher.appendReplacement(result, Matcher.quoteReplacement(by));
        }
        return matcher.appendTail(result).toString();
    }

    private static List<@Nullable Object> partition(String text, String separator, int at, boolean fromRight) {
        requireSeparator(separator);
        if (at < 0) {
            return fromRight ? new PythonValues.Tuple("", "", text) : new PythonValues.Tuple(text, "", "");
        }
        return new PythonValues.Tuple(text.substring(0, at), separator, text.substring(at + separator.length()));
    }

    private static long found(String text, int at) {
        if (at < 0) {
            throw new TemplateFault("a text has no such part");
        }
        return position(text, at);
    }

    private static int width(PythonArguments arguments) {
        return Math.clamp(PythonValues.number(arguments.get(0, "width")).longValue(), 0, Integer.MAX_VALUE);
    }

    private static String fill(PythonArguments arguments) {
        String fill = requireText(arguments.get(1, "fillchar", " "));
        if (fill.codePointCount(0, fill.length()) != 1) {
            throw new TemplateFault("a text is filled up with one character, not with '" + fill + "'");
        }
        return fill;
    }

    /** Python puts the odd one to the left if the width is odd. */
    static String center(String text, int width, String fill) {
        int missing = Math.max(0, width - text.codePointCount(0, text.length()));
        int left = missing / 2 + (missing & width & 1);
        String filled = PythonFormat.padded(text, '>', fill, width - missing + left);
        return PythonFormat.padded(filled, '<', fill, width);
    }

    private static String swapCase(String text) {
        StringBuilder result = new StringBuilder();
        text.codePoints().mapToObj(Character::toString).forEach(character -> {
            String upper = character.toUpperCase(Locale.ROOT);
            result.append(character.equals(upper) ? character.toLowerCase(Locale.ROOT) : upper);
        });
        return result.toString();
    }

    private static boolean isNumeric(int character) {
        int type = Character.getType(character);
        return type == Character.DECIMAL_DIGIT_NUMBER || type == Character.LETTER_NUMBER
                || type == Character.OTHER_NUMBER;
    }

    /** Whether all letters that have a case have this one, and there is such a letter. */
    private static boolean hasCase(String text, boolean upper) {
        return text.codePoints().noneMatch(upper ? Character::isLowerCase : Character::isUpperCase)
                && text.codePoints().anyMatch(upper ? Character::isUpperCase : Character::isLowerCase);
    }

    private static long position(String text, int at) {
        return at < 0 ? at : text.codePointCount(0, at);
    }

    private static boolean all(String text, IntPredicate test) {
        return !text.isEmpty() && text.codePoints().allMatch(test);
    }

    static String requireText(@Nullable Object value) {
        if (value instanceof String text) {
            return text;
        }
        throw new TemplateFault(PythonValues.kind(value) + " stands where a text is expected");
    }
}
