// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.OptionalLong;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Output for machines. */
final class Json {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Json() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    /** Adds a number of bytes, null where it is not known. */
    static void putBytes(ObjectNode node, String key, OptionalLong bytes) {
        if (bytes.isPresent()) {
            node.put(key, bytes.getAsLong());
        } else {
            node.putNull(key);
        }
    }

    static void putNumbers(ObjectNode node, String key, int[] numbers) {
        ArrayNode array = node.putArray(key);
        for (int number : numbers) {
            array.add(number);
        }
    }

    static void putNumbers(ObjectNode node, String key, float[] numbers) {
        ArrayNode array = node.putArray(key);
        for (float number : numbers) {
            array.add(number);
        }
    }
}
