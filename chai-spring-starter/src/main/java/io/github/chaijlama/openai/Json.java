// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.io.IOException;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** JSON of requests and answers: with a mapper of its own, since an application may set its one as it likes. */
final class Json {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final ObjectReader READER = MAPPER.reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    /** Characters of a value that an error shows. */
    private static final int MAX_SHOWN = 60;

    private Json() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    static byte[] bytes(JsonNode json) {
        try {
            return MAPPER.writeValueAsBytes(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Reads the body of a request.
     *
     * @throws OpenAiException if it is not an object
     */
    static ObjectNode parse(byte[] body) {
        JsonNode json;
        try {
            json = READER.readTree(body);
        } catch (JsonProcessingException e) {
            throw OpenAiException.invalid(400, null, null, "the body is not JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw OpenAiException.invalid(400, null, null, "the body is not JSON: " + e.getMessage());
        }
        if (json instanceof ObjectNode object) {
            return object;
        }
        throw OpenAiException.invalid(400, null, null,
                "the body must be a JSON object, found " + (json.isMissingNode() ? "nothing" : shown(json)));
    }

    /** Returns a value as an error shows it. */
    static String shown(JsonNode value) {
        String text = value.toString();
        return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "...";
    }
}
