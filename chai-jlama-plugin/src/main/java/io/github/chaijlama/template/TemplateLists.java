// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.template;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.PythonValues.TemplateFault;

/** The filters of Jinja that look at the elements of a value. */
final class TemplateLists {
    /** The filters that take None for an empty list, as Jinja's do. */
    private static final Set<String> LENIENT = Set.of("map", "select", "reject", "selectattr", "rejectattr");

    private TemplateLists() {}

    /** Returns {@code value | name(arguments)}. */
    static @Nullable Object filter(@Nullable Object value, String name, PythonArguments arguments) {
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
            case "sort" -> sorted(elements, key(arguments, 1, 2), arguments.isTrue(0, "reverse", false));
            case "dictsort" -> dictionary(value, arguments);
            case "groupby" -> groups(elements, arguments);
            case "batch" -> batches(elements, arguments);
            case "slice" -> slices(elements, arguments);
            case "min" -> extreme(elements, key(arguments, 0, 1), false);
            case "max" -> extreme(elements, key(arguments, 0, 1), true);
            case "sum" -> sum(elements, arguments);
            case "unique" -> unique(elements, key(arguments, 0, 1));
            case "map" -> map(elements, arguments);
            case "select" -> elements.stream().filter(chosen(null, arguments)).toList();
            case "reject" -> elements.stream().filter(chosen(null, arguments).negate()).toList();
            case "selectattr" -> elements.stream().filter(chosen(arguments.text(0), arguments.from(1))).toList();
            case "rejectattr" -> elements.stream().filter(chosen(arguments.text(0), arguments.from(1)).negate())
                    .toList();
            default -> throw new TemplateFault("there is no filter '" + name + "' that is supported");
        };
    }

    /** Returns what elements are compared by: themselves or an attribute, capital letters usually as small ones. */
    private static UnaryOperator<@Nullable Object> key(PythonArguments arguments, int caseSensitive, int attribute) {
        boolean exact = arguments.isTrue(caseSensitive, "case_sensitive", false);
        Object name = arguments.get(attribute, "attribute", PythonValues.NONE);
        return element -> {
            Object value = PythonValues.isNone(name) ? element : attributes(element, name);
            return exact ? value : withoutCase(value);
        };
    }

    private static @Nullable Object withoutCase(@Nullable Object value) {
        return value instanceof String text ? text.toLowerCase(Locale.ROOT) : value;
    }

    /** Returns an attribute, or a list of several written with commas. */
    private static @Nullable Object attributes(@Nullable Object element, @Nullable Object name) {
        if (PythonValues.isInteger(name)) {
            return PythonValues.element(element, name);
        }
        String names = PythonValues.text(name);
        if (!names.contains(",")) {
            return path(element, names);
        }
        List<@Nullable Object> values = new ArrayList<>();
        for (String one : names.split(",", -1)) {
            values.add(withoutCase(path(element, one)));
        }
        return values;
    }

    private static List<@Nullable Object> sorted(List<@Nullable Object> elements, UnaryOperator<@Nullable Object> key,
            boolean reverse) {
        Comparator<@Nullable Object> order = (a, b) -> compare(key.apply(a), key.apply(b));
        return elements.stream().sorted(reverse ? order.reversed() : order).toList();
    }

    private static int compare(@Nullable Object left, @Nullable Object right) {
        if (left instanceof List<?> a && right instanceof List<?> b) {
            for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
                if (!PythonValues.equal(a.get(i), b.get(i))) {
                    return compare(a.get(i), b.get(i));
                }
            }
            return Integer.compare(a.size(), b.size());
        }
        return PythonValues.compare(left, right);
    }

    private static List<@Nullable Object> dictionary(@Nullable Object value, PythonArguments arguments) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new TemplateFault("'dictsort' sorts a mapping, not " + PythonValues.kind(value));
        }
        boolean exact = arguments.isTrue(0, "case_sensitive", false);
        int place = switch (PythonValues.text(arguments.get(1, "by", "key"))) {
            case "key" -> 0;
            case "value" -> 1;
            default -> throw new TemplateFault("'dictsort' sorts by 'key' or 'value'");
        };
        return sorted(new ArrayList<>(PythonMethods.entries(map)), entry -> {
            Object part = PythonValues.elements(entry).get(place);
            return exact ? part : withoutCase(part);
        }, arguments.isTrue(2, "reverse", false));
    }

    private static List<@Nullable Object> groups(List<@Nullable Object> elements, PythonArguments arguments) {
        Object name = arguments.get(0, "attribute");
        Object otherwise = arguments.get(1, "default", PythonValues.NONE);
        boolean exact = arguments.isTrue(2, "case_sensitive", false);
        UnaryOperator<@Nullable Object> whole = element -> {
            Object value = attributes(element, name);
            return value == null ? otherwise : value;
        };
        UnaryOperator<@Nullable Object> key = element -> exact ? whole.apply(element)
                : withoutCase(whole.apply(element));
        List<@Nullable Object> groups = new ArrayList<>();
        List<@Nullable Object> group = new ArrayList<>();
        @Nullable Object last = null;
        for (Object element : sorted(elements, key, false)) {
            if (!group.isEmpty() && PythonValues.equal(last, key.apply(element))) {
                group.add(element);
                continue;
            }
            last = key.apply(element);
            group = new ArrayList<>();
            group.add(element);
            groups.add(new PythonValues.Tuple(whole.apply(element), group));
        }
        return groups;
    }

    private static List<@Nullable Object> batches(List<@Nullable Object> elements, PythonArguments arguments) {
        int count = positive(arguments.get(0, "linecount"));
        Optional<Object> fill = Optional.ofNullable(arguments.get(1, "fill_with"))
                .filter(value -> !PythonValues.isNone(value));
        List<@Nullable Object> batches = new ArrayList<>();
        for (int from = 0; from < elements.size(); from += count) {
            List<@Nullable Object> batch = new ArrayList<>(
                    elements.subList(from, Math.min(elements.size(), from + count)));
            while (fill.isPresent() && batch.size() < count) {
                batch.add(fill.get());
            }
            batches.add(batch);
        }
        return batches;
    }

    private static List<@Nullable Object> slices(List<@Nullable Object> elements, PythonArguments arguments) {
        int count = positive(arguments.get(0, "slices"));
        Optional<Object> fill = Optional.ofNullable(arguments.get(1, "fill_with"))
                .filter(value -> !PythonValues.isNone(value));
        int longer = elements.size() % count;
        List<@Nullable Object> slices = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < count; i++) {
            int to = from + elements.size() / count + (i < longer ? 1 : 0);
            List<@Nullable Object> slice = new ArrayList<>(elements.subList(from, to));
            if (i >= longer) {
                fill.ifPresent(slice::add);
            }
            slices.add(slice);
            from = to;
        }
        return slices;
    }

    private static int positive(@Nullable Object count) {
        long value = PythonValues.number(count).longValue();
        if (value < 1 || value > 1_000_000) {
            throw new TemplateFault("a list cannot be cut into parts of " + value);
        }
        return (int) value;
    }

    private static @Nullable Object extreme(List<@Nullable Object> elements, UnaryOperator<@Nullable Object> key,
            boolean largest) {
        @Nullable Object best = elements.isEmpty() ? null : elements.getFirst();
        for (Object element : elements) {
            int order = compare(key.apply(element), key.apply(best));
            if (largest ? order > 0 : order < 0) {
                best = element;
            }
        }
        return best;
    }

    private static Object sum(List<@Nullable Object> elements, PythonArguments arguments) {
        Object attribute = arguments.get(0, "attribute", PythonValues.NONE);
        Object sum = Optional.ofNullable(arguments.get(1, "start")).orElse(0L);
        for (Object element : elements) {
            sum = PythonValues.add(sum, PythonValues.isNone(attribute) ? element : attributes(element, attribute));
        }
        return sum;
    }

    private static List<@Nullable Object> unique(List<@Nullable Object> elements, UnaryOperator<@Nullable Object> key) {
        Map<@Nullable Object, @Nullable Object> first = new LinkedHashMap<>();
        elements.forEach(element -> first.putIfAbsent(key.apply(element), element));
        return new ArrayList<>(first.values());
    }

    private static List<@Nullable Object> map(List<@Nullable Object> elements, PythonArguments arguments) {
        Object attribute = arguments.get(Integer.MAX_VALUE, "attribute");
        Object otherwise = arguments.get(Integer.MAX_VALUE, "default");
        List<@Nullable Object> mapped = new ArrayList<>();
        for (Object element : elements) {
            Object value = attribute == null ? TemplateFilters.filter(element, arguments.text(0), arguments.from(1))
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
                    : TemplateFilters.test(value, arguments.text(0), arguments.from(1));
        };
    }
}
