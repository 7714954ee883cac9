// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.exception.UnsupportedFeatureException;

import io.github.chaijlama.constrain.AnswerForm;
import io.github.chaijlama.constrain.JsonConstraint;
import io.github.chaijlama.constrain.UnsupportedSchemaException;
import io.github.chaijlama.generate.TextTokenizer;

/** Compiled schemas of a model, those that were used last. Thread-safe. */
final class ResponseConstraints {
    /** Each may hold tens of megabytes of worked-out states. */
    private static final int MAX_SCHEMAS = 16;

    private final TextTokenizer tokenizer;
    private final Map<List<AnswerForm>, JsonConstraint> compiled = new LinkedHashMap<>(MAX_SCHEMAS, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<List<AnswerForm>, JsonConstraint> eldest) {
            return size() > MAX_SCHEMAS;
        }
    };

    ResponseConstraints(TextTokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** Whether answers of this model can be held to schemas at all. */
    boolean arePossible() {
        try {
            tokenizer.vocabulary();
            return true;
        } catch (UnsupportedOperationException e) {
            return false;
        }
    }

    /**
     * Returns what holds answers to a schema.
     *
     * @param schema not to be changed any more
     * @throws UnsupportedFeatureException if the schema says something that is not supported, or the model's vocabulary
     *                                     does not allow it
     */
    JsonConstraint of(JsonNode schema) {
        return of(List.of(new AnswerForm("", schema)));
    }

    /**
     * Returns what holds answers to one of several forms.
     *
     * @throws UnsupportedFeatureException if a schema says something that is not supported, or the model's vocabulary
     *                                     does not allow it
     */
    JsonConstraint of(List<AnswerForm> forms) {
        synchronized (compiled) {
            JsonConstraint known = compiled.get(forms);
            if (known != null) {
                return known;
            }
        }
        JsonConstraint constraint;
        try {
            constraint = JsonConstraint.compile(forms, tokenizer.vocabulary());
        } catch (UnsupportedSchemaException | UnsupportedOperationException e) {
            throw new UnsupportedFeatureException("this JSON schema is not supported by this model: " + e.getMessage());
        }
        synchronized (compiled) {
            compiled.put(forms, constraint);
        }
        return constraint;
    }

    int size() {
        synchronized (compiled) {
            return compiled.size();
        }
    }
}
