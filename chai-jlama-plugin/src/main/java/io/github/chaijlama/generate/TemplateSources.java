// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;

import io.github.chaijlama.model.ModelLoadException;

/**
 * The chat templates of a model by their names, as Hugging Face's transformers finds and chooses them: most models have
 * one, {@code default}; some have another for requests with tools, {@code tool_use}. Other names are for uses that
 * there are none of here. Immutable.
 */
record TemplateSources(Map<String, String> byName) {
    /** A model without a chat template. */
    static final TemplateSources NONE = new TemplateSources(Map.of());

    private static final String DEFAULT = "default";
    private static final String TOOL_USE = "tool_use";
    private static final String SUFFIX = ".jinja";

    TemplateSources {
        byName = Map.copyOf(byName);
    }

    /** The one template of a model. */
    static TemplateSources of(String template) {
        return new TemplateSources(Map.of(DEFAULT, template));
    }

    /**
     * Reads templates: {@code chat_template.jinja} and {@code additional_chat_templates/NAME.jinja}, or where there is
     * none of these, {@code chat_template} of tokenizer_config.json, a text or a list of {@code {name, template}}.
     *
     * @param config tokenizer_config.json
     * @throws ModelLoadException if a file is unreadable
     */
    static TemplateSources read(Path directory, JsonNode config) {
        Map<String, String> configured = configured(config.path("chat_template"));
        Map<String, String> templates = new TreeMap<>();
        Path file = directory.resolve("chat_template.jinja");
        if (Files.exists(file)) {
            templates.put(DEFAULT, text(file));
        }
        for (Path more : jinjaFiles(directory.resolve("additional_chat_templates"))) {
            String name = more.getFileName().toString();
            templates.put(name.substring(0, name.length() - SUFFIX.length()), text(more));
        }
        if (templates.isEmpty()) {
            return new TemplateSources(configured);
        }
        // Where transformers finds files only, it has no default and renders nothing.
        Optional.ofNullable(configured.get(DEFAULT)).ifPresent(source -> templates.putIfAbsent(DEFAULT, source));
        return new TemplateSources(templates);
    }

    private static Map<String, String> configured(JsonNode template) {
        if (template.isTextual()) {
            return Map.of(DEFAULT, template.textValue());
        }
        Map<String, String> templates = new TreeMap<>();
        for (JsonNode named : template.isArray() ? template : List.<JsonNode>of()) {
            templates.put(named.path("name").asText(), named.path("template").asText());
        }
        return templates;
    }

    private static List<Path> jinjaFiles(Path directory) {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().endsWith(SUFFIX)).sorted().toList();
        } catch (IOException e) {
            throw new ModelLoadException(directory + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new ModelLoadException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Returns the names of all templates, in their order. */
    List<String> names() {
        return byName.keySet().stream().sorted().toList();
    }

    /** Whether there is no template that a conversation can be rendered with. */
    boolean isEmpty() {
        return !byName.containsKey(DEFAULT) && !byName.containsKey(TOOL_USE);
    }

    /** Returns the template of requests without tools; empty if the model has none for them. */
    Optional<String> withoutTools() {
        return Optional.ofNullable(byName.get(DEFAULT));
    }

    /** Returns the template of requests with tools, {@code tool_use} where there is one. */
    Optional<String> withTools() {
        return Optional.ofNullable(byName.get(TOOL_USE)).or(this::withoutTools);
    }

    /** Whether one of the templates that are used has a text in it. */
    boolean contain(String text) {
        return Stream.of(withoutTools(), withTools()).flatMap(Optional::stream)
                .anyMatch(source -> source.contains(text));
    }
}
