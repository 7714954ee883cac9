// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.PythonValues.TemplateFault;

/** The filters and tests of Jinja that chat templates use. Any other is an error. */
final class TemplateFilters {
    private static final Pattern WHOLE_NUMBER = Pattern.compile("\\s*([-+]?[0-9]+)(\\.[0-9]*)?\\s*");
    private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Pattern LINE_START = Pattern.compile("\n(?=[^\n])");
    private static final Set<String> TESTS = Set.of("defined", "undefined", "none", "string", "number", "integer",
            "float", "boolean", "true", "false", "mapping", "iterable", "sequence", "even", "odd", "divisibleby", "in",
            "eq", "equalto", "==", "ne", "!=", "lt", "lessthan", "<", "le", "<=", "gt", "greaterthan", ">", "ge", ">=",
            "upper", "lower", "sameas", "callable");

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
            case "float" -> PythonNumbers.real(value, arguments.get(0, "default", 0.0));
            case "round" -> PythonNumbers.round(PythonValues.number(value),
                    PythonValues.number(arguments.get(0, "precision", 0L)).intValue(),
                    PythonValues.text(arguments.get(1, "method", "common")));
            case "format" -> format(PythonValues.text(value), arguments);
            case "wordcount" -> WORD.matcher(PythonValues.text(value)).results().count();
            case "truncate" -> truncate(PythonValues.text(value), arguments);
            case "center" -> PythonMethods.center(PythonValues.text(value),
                    PythonValues.number(arguments.get(0, "width", 80L)).intValue(), " ");
            case "abs" -> absolute(PythonValues.number(value));
            case "length", "count" -> PythonValues.length(value);
            case "items" -> value == null ? List.of() : PythonMethods.entries((Map<?, ?>) value);
            default -> TemplateLists.filter(value, name, arguments);
        };
    }

    private static String format(String text, PythonArguments arguments) {
        if (!arguments.all().isEmpty() && !arguments.named().isEmpty()) {
            throw new TemplateFault("'format' takes values by place or by name, not both");
        }
        return PythonFormat.percent(text, arguments.named().isEmpty()
                ? new PythonValues.Tuple(arguments.all().toArray())
                : arguments.named());
    }

    private static String truncate(String text, PythonArguments arguments) {
        int length = PythonValues.number(arguments.get(0, "length", 255L)).intValue();
        String end = PythonValues.text(arguments.get(2, "end", "..."));
        int leeway = PythonValues.number(arguments.get(3, "leeway", 5L)).intValue();
        int room = length - end.codePointCount(0, end.length());
        if (room < 0 || leeway < 0) {
            throw new TemplateFault("a text cannot be truncated to " + length + " characters with '" + end + "'");
        }
        if (text.codePointCount(0, text.length()) <= length + leeway) {
            return text;
        }
        String cut = text.substring(0, text.offsetByCodePoints(0, room));
        int space = cut.lastIndexOf(' ');
        return (arguments.isTrue(1, "killwords", false) || space < 0 ? cut : cut.substring(0, space)) + end;
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
            // Calling something undefined is what fails, and until then it may be called.
            case "callable" -> value == null;
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
