// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.lang.reflect.Method;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.DataObjectPropertyName;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.util.unit.DataSize;

import io.github.chaijlama.spring.Metadata.Property;
import io.github.chaijlama.tiny.TinyApplication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/** Every property of the metadata: its value arrives, and one of another type is refused by name. */
class PropertyBindingTests {

    /** A text that means something other than the default, and what it means. */
    private record Sample(String text, Object value) {}

    static List<Property> properties() {
        return Metadata.properties().stream().filter(each -> !each.isMap()).toList();
    }

    static Stream<Property> typedProperties() {
        return properties().stream().filter(each -> !each.type().startsWith("java.lang.String")
                && !each.type().startsWith("java.util.List"));
    }

    private static Sample sample(Property property) {
        return switch (property.type()) {
            case "java.lang.Boolean" -> {
                boolean other = !Boolean.parseBoolean(property.defaultValue());
                yield new Sample(String.valueOf(other), other);
            }
            case "java.lang.Integer" -> new Sample("7", 7);
            case "java.lang.Long" -> new Sample("71", 71L);
            case "java.lang.Double" -> new Sample("0.75", 0.75);
            case "java.lang.String" -> new Sample("text of " + property.name(), "text of " + property.name());
            case "java.time.Duration" -> new Sample("17s", Duration.ofSeconds(17));
            case "org.springframework.util.unit.DataSize" -> new Sample("3MB", DataSize.ofMegabytes(3));
            case "java.util.List<java.lang.String>" -> new Sample("one,two", List.of("one", "two"));
            default -> {
                String last = property.constants().getLast();
                String other = last.equals(property.defaultValue()) ? property.constants().getFirst() : last;
                yield new Sample(other, other);
            }
        };
    }

    /** Returns the classes that properties are bound to, by their prefix. */
    private static Map<String, Class<?>> roots() throws ClassNotFoundException {
        Map<String, Class<?>> roots = new HashMap<>();
        for (JsonNode group : Metadata.read().path("groups")) {
            if (!group.has("sourceMethod") && group.path("name").asText().startsWith("chai")) {
                roots.put(group.path("name").asText(), Class.forName(group.path("type").asText()));
            }
        }
        return roots;
    }

    @Test
    void everyPropertyIsBound() throws Exception {
        Map<String, Object> texts = properties().stream()
                .collect(Collectors.toMap(Property::name, property -> sample(property).text()));
        Binder binder = new Binder(new MapConfigurationPropertySource(texts));
        Map<String, Object> bound = new HashMap<>();
        for (Map.Entry<String, Class<?>> root : roots().entrySet()) {
            bound.put(root.getKey(), binder.bind(root.getKey(), root.getValue()).get());
        }
        for (Property property : properties()) {
            String root = bound.keySet().stream().filter(prefix -> property.name().startsWith(prefix + "."))
                    .reduce((a, b) -> a.length() > b.length() ? a : b).orElseThrow();
            Object value = value(bound.get(root), property.name().substring(root.length() + 1).split("\\."));
            assertThat(value instanceof Enum<?> ? Metadata.dashed(value) : value).as(property.name())
                    .isEqualTo(sample(property).value());
        }
    }

    private static Object value(Object bound, String... path) throws ReflectiveOperationException {
        Object value = bound;
        for (String dashed : path) {
            Method accessor = Stream.of(value.getClass().getDeclaredMethods())
                    .filter(each -> each.getParameterCount() == 0
                            && DataObjectPropertyName.toDashedForm(each.getName()).equals(dashed))
                    .findFirst().orElseThrow(() -> new AssertionError("no accessor of " + dashed));
            accessor.setAccessible(true);
            value = accessor.invoke(value);
        }
        return value;
    }

    @ParameterizedTest
    @MethodSource("typedProperties")
    void aValueOfAnotherTypeIsRefusedWithTheNameAndWhatIsAllowed(Property property) throws Exception {
        Map<String, Object> texts = Map.of(property.name(), "nonsense!");
        Class<?> root = roots().entrySet().stream()
                .filter(each -> property.name().startsWith(each.getKey() + "."))
                .reduce((a, b) -> a.getKey().length() > b.getKey().length() ? a : b).orElseThrow().getValue();
        String prefix = roots().entrySet().stream().filter(each -> each.getValue() == root).findFirst().orElseThrow()
                .getKey();
        Throwable failure = catchThrowable(
                () -> new Binder(new MapConfigurationPropertySource(texts)).bind(prefix, root));
        FailureAnalysis analysis = new ChaiBindFailureAnalyzer().analyze(failure);

        assertThat(analysis.getDescription()).startsWith(property.name() + " is 'nonsense!'");
        assertThat(analysis.getAction()).startsWith("Set " + property.name() + " to ")
                .doesNotContain("a value of type");
        assertThat(property.constants()).allSatisfy(each -> assertThat(analysis.getAction()).contains(each));
    }

    @Test
    void whatTheUserReadsIsOfThisModule() {
        try (Output output = new Output()) {
            SpringApplication application = new SpringApplication(TinyApplication.class);
            application.setWebApplicationType(WebApplicationType.NONE);
            catchThrowable(() -> application.run("--chai.threads=many"));
            assertThat(output.text()).contains("APPLICATION FAILED TO START")
                    .contains("chai.threads is 'many', from \"chai.threads\" from property source "
                            + "\"commandLineArgs\".")
                    .contains("Set chai.threads to a whole number, like 4.").doesNotContain("\tat ");
        }
    }
}
