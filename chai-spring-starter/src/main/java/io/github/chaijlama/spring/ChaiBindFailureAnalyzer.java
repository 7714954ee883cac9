// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.annotation.Order;
import org.springframework.util.unit.DataSize;

/**
 * Says which of the {@code chai} properties has a value that is none of its type, and what its values look like. Values
 * of the right type that are impossible are analyzed by Spring Boot.
 */
@Order(0)
final class ChaiBindFailureAnalyzer extends AbstractFailureAnalyzer<BindException> {
    private static final ConfigurationPropertyName ROOT = ConfigurationPropertyName.of("chai");

    @Override
    protected @Nullable FailureAnalysis analyze(Throwable rootFailure, BindException cause) {
        @Nullable ConfigurationProperty property = cause.getProperty();
        @Nullable Class<?> type = cause.getTarget().getType().resolve();
        if (property == null || type == null || !ROOT.isAncestorOf(property.getName())) {
            return null;
        }
        String origin = property.getOrigin() == null ? "" : ", from " + property.getOrigin();
        return new FailureAnalysis(
                property.getName() + " is '" + Objects.requireNonNullElse(property.getValue(), "") + "'" + origin + ".",
                "Set " + property.getName() + " to " + allowed(type) + ".", cause);
    }

    private static String allowed(Class<?> type) {
        if (type.isEnum()) {
            return Arrays.stream(type.getEnumConstants())
                    .map(constant -> ((Enum<?>) constant).name().toLowerCase(Locale.ROOT).replace('_', '-'))
                    .collect(Collectors.joining(", ", "one of ", ""));
        } else if (type == Boolean.class || type == boolean.class) {
            return "true or false";
        } else if (type == Integer.class || type == int.class || type == Long.class || type == long.class) {
            return "a whole number, like 4";
        } else if (type == Double.class || type == double.class) {
            return "a number, like 0.5";
        } else if (type == DataSize.class) {
            return "a size, like 512MB or 2GB";
        } else if (type == Duration.class) {
            return "a time, like 500ms, 30s or 5m";
        }
        return "a value of type " + type.getSimpleName();
    }
}
