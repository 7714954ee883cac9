// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** The configuration metadata of this module, as the compiler has left it. */
final class Metadata {
    private Metadata() {}

    static JsonNode read() {
        try {
            Path classes = Path.of(ChaiProperties.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            return new ObjectMapper()
                    .readTree(Files.readString(classes.resolve("META-INF/spring-configuration-metadata.json")));
        } catch (IOException | URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * A property.
     *
     * @param type as the metadata have it
     */
    record Property(String name, String type, String defaultValue, String description) {

        boolean isMap() {
            return type.startsWith("java.util.Map");
        }

        /** Returns the names of the constants, empty if it is no enumeration. */
        List<String> constants() {
            try {
                Object[] constants = Class.forName(type).getEnumConstants();
                return constants == null ? List.of()
                        : Arrays.stream(constants).map(Metadata::dashed).toList();
            } catch (ClassNotFoundException e) {
                return List.of(); // a type with arguments
            }
        }
    }

    /** Returns how a constant is written in properties. */
    static String dashed(Object constant) {
        return ((Enum<?>) constant).name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Returns this module's own properties by name, without those that Spring Boot gives an endpoint. */
    static List<Property> properties() {
        List<Property> properties = new ArrayList<>();
        for (JsonNode each : read().path("properties")) {
            if (!each.path("name").asText().startsWith("chai.")) {
                continue;
            }
            properties.add(new Property(each.path("name").asText(), each.path("type").asText(),
                    text(each.path("defaultValue")), each.path("description").asText()));
        }
        properties.sort(Comparator.comparing(Property::name));
        return properties;
    }

    private static String text(JsonNode value) {
        if (value.isArray()) {
            List<String> each = new ArrayList<>();
            value.forEach(element -> each.add(element.asText()));
            return String.join(", ", each);
        }
        return value.asText("");
    }
}
