// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.Objects;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * One form that an answer may have: a text, and after it a value.
 *
 * @param before the text, possibly none; where it has a mark of the vocabulary
 *               ({@link Vocabulary#Vocabulary(int, java.util.function.IntFunction, java.util.Set, java.util.Set,
 *               java.util.Map)}), that token must come
 * @param schema JSON schema of the value, a document of its own; not to be changed any more
 */
public record AnswerForm(String before, JsonNode schema) {

    public AnswerForm {
        Objects.requireNonNull(before, "before");
        Objects.requireNonNull(schema, "schema");
    }
}
