// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.github.chaijlama.model.Excerpt;

/**
 * What the hub says of a revision of a model: its commit, and its files. Nothing of it is trusted.
 *
 * @param model  the model and its revision, for messages
 * @param commit which commit the revision is at
 * @param files  files by name, with size and hash where the hub says them
 */
record HubListing(String model, String commit, Map<String, Optional<HubFile>> files) {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String ACTION = "Check HF_ENDPOINT, and whether a proxy answers in its place.";

    /**
     * Reads the hub's answer.
     *
     * @throws HubException if it is no listing, or names files outside of the model
     */
    static HubListing parse(byte[] json, String model) {
        JsonNode root;
        try {
            root = MAPPER.readTree(json);
        } catch (JacksonException e) {
            throw new HubException("expected a list of the files of " + model + " as JSON, found something else: "
                    + Excerpt.of(e.getOriginalMessage()), ACTION, e);
        } catch (IOException e) {
            throw new IllegalStateException("nothing is read but memory", e);
        }
        String commit = root.path("sha").asText();
        if (!HubRevision.isCommit(commit)) {
            throw new HubException("expected a list of the files of " + model + " with its commit as 'sha', found '"
                    + Excerpt.of(commit) + "'", ACTION);
        }
        Map<String, Optional<HubFile>> files = new LinkedHashMap<>();
        for (JsonNode sibling : root.path("siblings")) {
            String name = sibling.path("rfilename").asText();
            if (!SafePath.staysInside(name)) {
                throw new HubException("the list of the files of " + model + " names '" + Excerpt.of(name)
                        + "', which would be outside of the model's directory; nothing was downloaded",
                        "Do not use this hub, or report it to its owner.");
            }
            files.put(name, file(name, sibling));
        }
        return new HubListing(model, commit, files);
    }

    private static Optional<HubFile> file(String name, JsonNode sibling) {
        JsonNode lfs = sibling.path("lfs");
        JsonNode size = lfs.has("size") ? lfs.path("size") : sibling.path("size");
        String hash = lfs.isObject() ? lfs.path("sha256").asText() : sibling.path("blobId").asText();
        return size.isIntegralNumber() && size.canConvertToLong() && size.longValue() >= 0
                ? ContentHash.parse(hash).map(content -> new HubFile(name, size.longValue(), content))
                : Optional.empty();
    }

    /** Returns whether there is such a file. */
    boolean has(String name) {
        return files.containsKey(name);
    }

    /** Returns the names of all files. */
    Set<String> names() {
        return files.keySet();
    }

    /** Returns what the hub says of a file, empty if the list does not say everything. */
    Optional<HubFile> file(String name) {
        return files.getOrDefault(name, Optional.empty());
    }
}
