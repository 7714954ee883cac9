// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;

import io.github.chaijlama.model.ModelLoadException;

/**
 * The tokens that stand around a text of its own. The post-processor of tokenizer.json alone says which, as in
 * transformers from version 5 on: where a tokenizer.json is there, {@code add_bos_token} of tokenizer_config.json and
 * the class that it names do not count.
 */
record SpecialTokens(List<Integer> before, List<Integer> after) {
    private static final SpecialTokens NONE = new SpecialTokens(List.of(), List.of());

    SpecialTokens {
        before = List.copyOf(before);
        after = List.copyOf(after);
    }

    /**
     * Reads a post-processor.
     *
     * @throws ModelLoadException if it names a token that the tokenizer does not have
     */
    static SpecialTokens of(TokenizerFiles files) {
        return of(files.tokenizer().path("post_processor"), files);
    }

    private static SpecialTokens of(JsonNode processor, TokenizerFiles files) {
        return switch (processor.path("type").asText()) {
            case "TemplateProcessing" -> ofTemplate(processor, files);
            case "BertProcessing", "RobertaProcessing" -> new SpecialTokens(
                    List.of(processor.path("cls").path(1).asInt()), List.of(processor.path("sep").path(1).asInt()));
            case "Sequence" -> { // of which one at most adds tokens: the library itself cannot do more
                SpecialTokens found = NONE;
                for (JsonNode one : processor.path("processors")) {
                    found = found.equals(NONE) ? of(one, files) : found;
                }
                yield found;
            }
            default -> NONE; // ByteLevel, or no post-processor
        };
    }

    private static SpecialTokens ofTemplate(JsonNode processor, TokenizerFiles files) {
        List<Integer> before = new ArrayList<>();
        List<Integer> after = new ArrayList<>();
        boolean textCame = false;
        for (JsonNode piece : processor.path("single")) {
            textCame |= piece.has("Sequence");
            if (piece.has("SpecialToken")) {
                String name = piece.path("SpecialToken").path("id").asText();
                (textCame ? after : before).addAll(ids(name, processor, files));
            }
        }
        return new SpecialTokens(before, after);
    }

    /** Returns the numbers that a name of the template stands for. */
    private static List<Integer> ids(String name, JsonNode processor, TokenizerFiles files) {
        List<Integer> ids = new ArrayList<>();
        processor.path("special_tokens").path(name).path("ids").forEach(id -> ids.add(id.asInt()));
        if (ids.isEmpty()) {
            ids.add(files.tokenId(name).orElseThrow(() -> new ModelLoadException(
                    files.directory().resolve("tokenizer.json") + ": the post-processor puts a token '" + name
                            + "' beside texts, which the tokenizer does not have")));
        }
        return ids;
    }
}
