// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.PythonValues.TemplateFault;

/** The filters and tests of Jinja that chat templates use. Any other is an error. */
final class TemplateFilters {
    private static final Pattern WHOLE_NUMBER = Pattern.compile("\\s*([-+]?[0-9]+)(\\.[0-9]*)?\\s*");
    private static final Pattern LINE_START = Pattern.compile("\n(?=[^\n])");
    /** The filters that take None for an empty list, as Jinja's do. */
    private static final Set<String> LENIENT = Set.of("map", "select", "reject", "selectattr", "rejectattr");
    private static final Set<String> TESTS = Set.of("defined", "undefined", "none", "string", "number", "integer",
            "float", "boolean", "true", "false", "mapping", "iterable", "sequence", "even", "odd", "divisibleby", "in",
            "eq", "equalto", "==", "ne", "!=", "lt", "lessthan", "<", "le", "<=", "gt", "greaterthan", ">", "ge", ">=",
            "upper", "lower", "sameas");

    private TemplateFilters() {}

    /** Returns {@code value | name(arguments)}. */
    static @Nullable Object filter(@Nullable Object value, String name, PythonArguments arguments) {
        return switch (name) {
            case "default", "d" -> value == null || arguments.isTrue(1, "boolean", false) && !PythonValues.isTrue(value)
                    ? arguments.get(0, "default_value", "")
                    : value;
            case "tojson" -> new PythonJson(arguments.isTrue(0, "ensure_ascii", false),
                    arguments.isTrue(3, "sort_keys", false), arguments.get(1, "indent"),
                    arguments.get(2, "separators")).write(value);
            case "string" -> PythonValues.text(value);
            case "safe" -> value;
            case "trim" -> PythonMethods.strip(PythonValues.text(value), arguments.get(0, "chars"), true, true);
            case "upper" -> PythonValues.text(value).toUpperCase(Locale.ROOT);
            case "lower" -> PythonValues.text(value).toLowerCase(Locale.ROOT);
            case "title" -> PythonMethods.title(PythonValues.text(value));
            case "capitalize" -> PythonMethods.capitalize(PythonValues.text(value));
            case "replace" -> PythonMethods.replace(PythonValues.text(value), arguments.text(0), arguments.text(1),
                    arguments.get(2, "count", -1L));
            case "indent" -> indent(PythonValues.text(value), arguments);
            case "escape", "e" -> escape(PythonValues.text(value));
            case "int" -> integer(value, arguments.get(0, "default", 0L));
            case "abs" -> absolute(PythonValues.number(value));
            case "length", "count" -> PythonValues.length(value);
            case "items" -> value == null ? List.of() : PythonMethods.entries((Map<?, ?>) value);
            default -> ofElements(value, name, arguments);
        };
    }

    private static @Nullable Object ofElements(@Nullable Object value, String name, PythonArguments arguments) {
        boolean nothing = PythonValues.isNone(value) && LENIENT.contains(name);
        List<@Nullable Object> elements = nothing ? List.of() : PythonValues.elements(value);
        return switch (name) {
            case "list" -> elements;
            case "first" -> elements.isEmpty() ? null : elements.getFirst();
            case "last" -> elements.isEmpty() ? null : elements.getLast();
            case "reverse" -> value instanceof String text ? new StringBuilder(text).reverse().toString()
                    : elements.reversed();
            case "join" -> {
                Object attribute = arguments.get(1, "attribute");
                yield elements.stream()
                        .map(element -> attribute == null ? element : path(element, PythonValues.text(attribute)))
                        .map(PythonValues::text)
                        .collect(Collectors.joining(PythonValues.text(arguments.get(0, "d", ""))));
            }
            case "sort" -> sorted(elements, arguments);
            case "min" -> elements.isEmpty() ? null : Collections.min(elements, PythonValues::compare);
            case "max" -> elements.isEmpty() ? null : Collections.max(elements, PythonValues::compare);
            case "sum" -> elements.stream().reduce(0L, PythonValues::add);
            case "unique" -> unique(elements);
            case "map" -> map(elements, arguments);
            case "select" -> elements.stream().filter(chosen(null, arguments)).toList();
            case "reject" -> elements.stream().filter(chosen(null, arguments).negate()).toList();
            case "selectattr" -> elements.stream().filter(chosen(arguments.text(0), arguments.from(1))).toList();
            case "rejectattr" -> elements.stream().filter(chosen(arguments.text(0), arguments.from(1)).negate())
                    .toList();
            default -> throw new TemplateFault("there is no filter '" + name + "' that is supported");
        };
    }

    private static List<@Nullable Object> sorted(List<@Nullable Object> elements, PythonArguments arguments) {
        if (arguments.get(0, "reverse") != null || arguments.get(2, "attribute") != null) {
            throw new TemplateFault("the filter 'sort' is supported without arguments only");
        }
        // Capital letters count as small ones.
        return elements.stream().sorted((a, b) -> PythonValues.compare(
                a instanceof String text ? text.toLowerCase(Locale.ROOT) : a,
                b instanceof String text ? text.toLowerCase(Locale.ROOT) : b)).toList();
    }

    private static List<@Nullable Object> unique(List<@Nullable Object> elements) {
        Map<Object, Object> first = new LinkedHashMap<>();
        elements.forEach(element -> first.putIfAbsent(
                element instanceof String text ? text.toLowerCase(Locale.ROOT) : element, element));
        return new ArrayList<>(first.values());
    }

    private static List<@Nullable Object> map(List<@Nullable Object> elements, PythonArguments arguments) {
        Object attribute = arguments.get(Integer.MAX_VALUE, "attribute");
        Object otherwise = arguments.get(Integer.MAX_VALUE, "default");
        List<@Nullable Object> mapped = new ArrayList<>();
        for (Object element : elements) {
            Object value = attribute == null ? filter(element, arguments.text(0), arguments.from(1))
                    : path(element, PythonValues.text(attribute));
            mapped.add(value == null ? otherwise : value);
        }
        return mapped;
    }

    /** Follows an attribute written with dots. */
    private static @Nullable Object path(@Nullable Object value, String attribute) {
        Object result = value;
        for (String name : attribute.split("\\.", 0)) {
            result = name.matches("[0-9]+") ? PythonValues.element(result, Long.valueOf(name))
                    : PythonValues.attribute(result, name);
        }
        return result;
    }

    private static Predicate<@Nullable Object> chosen(@Nullable String attribute, PythonArguments arguments) {
        return element -> {
            Object value = attribute == null ? element : path(element, attribute);
            return arguments.all().isEmpty() ? PythonValues.isTrue(value)
                    : test(value, arguments.text(0), arguments.from(1));
        };
    }

    private static String indent(String text, PythonArguments arguments) {
        Object width = arguments.get(0, "width", 4L);
        String indent = width instanceof String given ? given : " ".repeat(PythonValues.number(width).intValue());
        String lines = arguments.isTrue(2, "blank", false) ? text.replace("\n", "\n" + indent)
                : LINE_START.matcher(text).replaceAll(Matcher.quoteReplacement("\n" + indent));
        return arguments.isTrue(1, "first", false) ? indent + lines : lines;
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&#34;").replace("'",
                "&#39;");
    }

    private static @Nullable Object integer(@Nullable Object value, @Nullable Object otherwise) {
        if (value instanceof String text) {
            Matcher number = WHOLE_NUMBER.matcher(text);
            return number.matches() ? (Object) Long.valueOf(number.group(1)) : otherwise;
        }
        return value instanceof Number || value instanceof Boolean ? (Object) PythonValues.number(value).longValue()
                : otherwise;
    }

    private static Number absolute(Number number) {
        return PythonValues.isInteger(number) ? (Number) Math.abs(number.longValue()) : Math.abs(number.doubleValue());
    }

    static boolean hasTest(String name) {
        return TESTS.contains(name);
    }

    /** Returns {@code value is name(arguments)}. */
    static boolean test(@Nullable Object value, String name, PythonArguments arguments) {
        return switch (name) {
            case "defined" -> value != null;
            case "undefined" -> value == null;
            case "none" -> PythonValues.isNone(value);
            case "string" -> value instanceof String;
            case "number" -> value instanceof Number || value instanceof Boolean;
            case "integer" -> value instanceof Long || value instanceof Integer;
            case "float" -> value instanceof Double;
            case "boolean" -> value instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            case "mapping" -> value instanceof Map;
            case "iterable", "sequence" -> value == null || value instanceof String || value instanceof List
                    || value instanceof Map;
            case "even" -> PythonValues.number(value).longValue() % 2 == 0;
            case "odd" -> PythonValues.number(value).longValue() % 2 != 0;
            case "divisibleby" -> PythonValues.number(value).longValue()
                    % PythonValues.number(arguments.get(0, "num")).longValue() == 0;
            case "upper" -> PythonValues.text(value).equals(PythonValues.text(value).toUpperCase(Locale.ROOT))
                    && !PythonValues.text(value).equals(PythonValues.text(value).toLowerCase(Locale.ROOT));
            case "lower" -> PythonValues.text(value).equals(PythonValues.text(value).toLowerCase(Locale.ROOT))
                    && !PythonValues.text(value).equals(PythonValues.text(value).toUpperCase(Locale.ROOT));
            default -> compares(value, name, arguments.get(0, "other"));
        };
    }

    private static boolean compares(@Nullable Object value, String name, @Nullable Object other) {
        return switch (name) {
            case "in" -> PythonValues.contains(other, value);
            case "eq", "equalto", "==", "sameas" -> PythonValues.equal(value, other);
            case "ne", "!=" -> !PythonValues.equal(value, other);
            case "lt", "lessthan", "<" -> PythonValues.compare(value, other) < 0;
            case "le", "<=" -> PythonValues.compare(value, other) <= 0;
            case "gt", "greaterthan", ">" -> PythonValues.compare(value, other) > 0;
            case "ge", ">=" -> PythonValues.compare(value, other) >= 0;
            default -> throw new TemplateFault("there is no test '" + name + "' that is supported");
        };
    }
}
