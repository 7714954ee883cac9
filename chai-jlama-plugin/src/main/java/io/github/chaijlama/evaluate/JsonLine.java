// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.github.chaijlama.generate.ChatMessage;

/** A JSON object from one line, whose fields are checked as they are read. */
record JsonLine(JsonNode node) {
    private static final ObjectMapper MAPPER = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    static JsonLine parse(String line) throws BadLineException {
        JsonNode node;
        try {
            node = MAPPER.readTree(line);
        } catch (JsonProcessingException e) {
            throw new BadLineException("expected a JSON object, found: " + firstLine(e.getOriginalMessage()));
        }
        if (!node.isObject()) {
            throw new BadLineException("expected a JSON object, found " + kind(node));
        }
        return new JsonLine(node);
    }

    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("").replaceAll("\\p{Cntrl}", "?");
    }

    boolean has(String... fields) {
        for (String field : fields) {
            if (!node.has(field)) {
                return false;
            }
        }
        return true;
    }

    /** Returns a field's text. */
    String text(String field) throws BadLineException {
        return text(node, field);
    }

    static String text(JsonNode node, String field) throws BadLineException {
        JsonNode value = node.path(field);
        if (!value.isTextual()) {
            throw new BadLineException("expected a text in '" + field + "', found " + kind(value));
        }
        return value.textValue();
    }

    /** Returns the texts of an array of at least one. */
    List<String> texts(String field) throws BadLineException {
        return texts(node, field);
    }

    static List<String> texts(JsonNode node, String field) throws BadLineException {
        List<String> texts = new ArrayList<>();
        for (JsonNode element : array(node, field)) {
            if (!element.isTextual()) {
                throw new BadLineException("expected texts in '" + field + "', found " + kind(element));
            }
            texts.add(element.textValue());
        }
        return texts;
    }

    static JsonNode array(JsonNode node, String field) throws BadLineException {
        JsonNode array = node.path(field);
        if (!array.isArray() || array.isEmpty()) {
            throw new BadLineException("expected an array of at least 1 element in '" + field + "', found "
                    + (array.isArray() ? "none" : kind(array)));
        }
        return array;
    }

    /** Returns the messages of a conversation: {@code [{"role": .., "text": ..}, ..]}. */
    List<ChatMessage> messages(String field) throws BadLineException {
        List<ChatMessage> messages = new ArrayList<>();
        for (JsonNode message : array(node, field)) {
            messages.add(new ChatMessage(text(message, "role"), text(message, "text")));
        }
        return messages;
    }

    static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case MISSING -> "nothing";
            case NULL -> "null";
            case BOOLEAN -> "true or false";
            case NUMBER -> "the number " + node.asText();
            case STRING -> "a text";
            case ARRAY -> "an array";
            default -> "an object";
        };
    }
}
