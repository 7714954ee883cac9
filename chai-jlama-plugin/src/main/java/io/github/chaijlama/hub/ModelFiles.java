// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.github.chaijlama.model.Excerpt;

/** Chooses the files that running a model takes; repositories hold the same weights in many other formats. */
final class ModelFiles {
    static final String CONFIG = "config.json";
    static final String TOKENIZER = "tokenizer.json";
    static final String WEIGHTS = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    /** What tokenizers and templates consist of. Those of no model are missed; a tokenizer.json says everything. */
    private static final Set<String> SMALL = Set.of(CONFIG, "generation_config.json", TOKENIZER,
            "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
            "tokenizer.model", "chat_template.jinja", "chat_template.json");
    private static final Pattern TEMPLATE = Pattern.compile("additional_chat_templates/[^/]+\\.jinja");
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final HubListing listing;

    ModelFiles(HubListing listing) {
        this.listing = listing;
    }

    /**
     * Returns the names of all files but shards: what is no weights, and the weights or the index of their shards. The
     * configuration comes last: a snapshot that has it has everything.
     */
    List<String> withoutShards() {
        String weights = List.of(WEIGHTS, INDEX).stream().filter(listing::has).findFirst()
                .orElseThrow(this::noWeights);
        List<String> names = new ArrayList<>();
        for (String name : listing.names()) {
            if (SMALL.contains(name) || name.equals(weights)
                    || TEMPLATE.matcher(name).matches() && SafePath.isPlain(name)) {
                names.add(name);
            }
        }
        if (!names.contains(CONFIG)) {
            throw new HubException(listing.model() + " has no " + CONFIG + ", so it is no model in Hugging Face layout",
                    "Choose a repository with config.json, tokenizer.json and safetensors.");
        }
        names.remove(CONFIG);
        names.add(CONFIG);
        return names;
    }

    /** Returns whether the weights are in shards that an index names. */
    boolean hasShards() {
        return !listing.has(WEIGHTS);
    }

    /** Returns the shards that an index names. */
    List<String> shardsOf(Path index) throws IOException {
        for (String shard : shards(index)) {
            if (!listing.has(shard) || !SafePath.isPlain(shard)) {
                throw new HubException(INDEX + " of " + listing.model() + " names the shard '" + Excerpt.of(shard)
                        + "', which is no file of the model", "Report it to the model's owner, or choose another.");
            }
        }
        return List.copyOf(shards(index));
    }

    /** Returns the names of shards in an index. */
    static Set<String> shards(Path index) throws IOException {
        Set<String> shards = new TreeSet<>();
        try {
            JsonNode map = MAPPER.readTree(Files.readAllBytes(index)).path("weight_map");
            map.forEach(shard -> shards.add(shard.asText()));
        } catch (JsonProcessingException e) {
            throw new HubException(index + " is not JSON: " + e.getOriginalMessage(),
                    "Delete the file, and download the model again.", e);
        }
        if (shards.isEmpty()) {
            throw new HubException(index + " names no shards, expected them in 'weight_map'",
                    "Report it to the model's owner, or choose another model.");
        }
        return shards;
    }

    private HubException noWeights() {
        return new HubException(listing.model() + " has neither " + WEIGHTS + " nor " + INDEX,
                "Choose a repository with the weights as safetensors; others, such as pickles (.bin), GGUF and ONNX, "
                        + "cannot be loaded.");
    }
}
