// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.function.DoublePredicate;

import com.fasterxml.jackson.databind.JsonNode;

import io.github.chaijlama.model.JsonFiles;
import io.github.chaijlama.model.ModelDirectory;
import io.github.chaijlama.model.ModelLoadException;

/**
 * How the makers of a model want its answers generated, from generation_config.json: the defaults of requests that say
 * nothing else. What the file does not say is absent here.
 *
 * @param temperature       temperature, 0 (the most likely token always) where the file does not ask for sampling
 * @param topK              how many of the most likely tokens may be chosen
 * @param topP              probability of the most likely tokens that may be chosen
 * @param repetitionPenalty see {@link RepetitionPenalties#repetition}
 * @param stopSequences     texts that end an answer
 * @param ignored           settings of the file that change what is chosen and that this library does not know
 */
public record GenerationConfig(Optional<Double> temperature, Optional<Integer> topK, Optional<Double> topP,
        Optional<Double> repetitionPenalty, List<String> stopSequences, List<String> ignored) {

    /** A model whose makers want nothing. */
    public static final GenerationConfig NONE = new GenerationConfig(Optional.empty(), Optional.empty(),
            Optional.empty(), Optional.empty(), List.of(), List.of());

    private static final List<String> UNKNOWN = List.of("min_p", "typical_p", "top_h", "epsilon_cutoff", "eta_cutoff",
            "no_repeat_ngram_size", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens", "sequence_bias",
            "num_beams", "penalty_alpha");

    public GenerationConfig {
        stopSequences = List.copyOf(stopSequences);
        ignored = List.copyOf(ignored);
    }

    /**
     * Reads the file of a model directory; a model without one wants nothing.
     *
     * @throws ModelLoadException if it is unreadable or a value is impossible
     */
    static GenerationConfig read(Path directory) {
        Path file = ModelDirectory.of(directory).resolve("generation_config.json");
        return Files.exists(file) ? new Reader(file, JsonFiles.readObject(file)).read() : NONE;
    }

    /** Returns what requests get from it, in words; empty if nothing. */
    public String describe() {
        StringJoiner words = new StringJoiner(", ");
        temperature.filter(value -> value > 0).ifPresent(value -> words.add("temperature " + value));
        topK.ifPresent(value -> words.add("top-k " + value));
        topP.ifPresent(value -> words.add("top-p " + value));
        repetitionPenalty.ifPresent(value -> words.add("repetition penalty " + value));
        if (!stopSequences.isEmpty()) {
            words.add("stop sequences " + stopSequences);
        }
        return words.toString();
    }

    /** Reads one file. */
    private record Reader(Path file, JsonNode values) {

        GenerationConfig read() {
            Optional<Double> temperature = number("temperature", value -> value >= 0, "0 or more");
            boolean sampling = values.path("do_sample").asBoolean(false);
            Optional<Integer> topK = number("top_k", value -> value >= 0 && value == Math.rint(value)
                    && value <= Integer.MAX_VALUE, "a whole number of 0 or more").map(Double::intValue);
            return new GenerationConfig(Optional.of(sampling ? temperature.orElse(1.0) : 0),
                    topK.filter(tokens -> tokens > 0), // 0 stands for all
                    number("top_p", value -> value > 0 && value <= 1, "above 0 and at most 1").filter(all -> all < 1),
                    number("repetition_penalty", value -> value > 0, "more than 0").filter(none -> none != 1),
                    stopSequences(), UNKNOWN.stream().filter(this::changesSomething).toList());
        }

        private Optional<Double> number(String key, DoublePredicate possible, String expected) {
            JsonNode value = values.path(key);
            if (value.isMissingNode() || value.isNull()) {
                return Optional.empty();
            }
            if (!value.isNumber() || !Double.isFinite(value.doubleValue()) || !possible.test(value.doubleValue())) {
                throw impossible(key, expected, value);
            }
            return Optional.of(value.doubleValue());
        }

        private List<String> stopSequences() {
            JsonNode value = values.path("stop_strings");
            List<String> sequences = new ArrayList<>();
            for (JsonNode one : value.isArray() ? value : List.of(value)) {
                if (one.isTextual() && !one.textValue().isEmpty()) {
                    sequences.add(one.textValue());
                } else if (!one.isMissingNode() && !one.isNull()) {
                    throw impossible("stop_strings", "a text or a list of texts, none of them empty", value);
                }
            }
            return sequences;
        }

        private ModelLoadException impossible(String key, String expected, JsonNode found) {
            String text = found.toString();
            return new ModelLoadException(file + ": " + key + " must be " + expected + ", found "
                    + (text.length() <= 60 ? text : text.substring(0, 60) + "..."));
        }

        /** Whether a setting has another value than the one that stands for nothing. */
        private boolean changesSomething(String key) {
            JsonNode value = values.path(key);
            boolean nothing = value.isNumber() && (value.doubleValue() == 0 || value.doubleValue() == 1)
                    || value.isContainerNode() && value.isEmpty() || value.isBoolean();
            return !value.isMissingNode() && !value.isNull() && !nothing;
        }
    }
}
