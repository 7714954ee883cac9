// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.safetensors;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.safetensors.SafetensorsWriter.Tensor;

/**
 * Shares out tensors over files, in their order: one {@code model.safetensors} if they fit, else shards with an index,
 * named as Hugging Face names them. Immutable.
 */
public final class SafetensorsShards {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final List<List<Tensor>> shards = new ArrayList<>();

    /**
     * Shares out tensors.
     *
     * @param groups   tensors that must be in one file, one group after the other
     * @param maxBytes what a file holds at most; a group that is larger has a file of its own
     */
    public SafetensorsShards(List<List<Tensor>> groups, long maxBytes) {
        List<Tensor> shard = new ArrayList<>();
        for (List<Tensor> group : groups) {
            if (!shard.isEmpty() && bytes(shard) + bytes(group) > maxBytes) {
                shards.add(List.copyOf(shard));
                shard.clear();
            }
            shard.addAll(group);
        }
        shards.add(List.copyOf(shard));
    }

    private static long bytes(List<Tensor> tensors) {
        return tensors.stream().mapToLong(Tensor::bytes).sum();
    }

    /** Returns the bytes of all tensors. */
    public long bytes() {
        return shards.stream().mapToLong(SafetensorsShards::bytes).sum();
    }

    /** Returns the tensors of each file by its name, in order. */
    public Map<String, List<Tensor>> files() {
        Map<String, List<Tensor>> files = new LinkedHashMap<>();
        for (int i = 0; i < shards.size(); i++) {
            files.put(shards.size() == 1 ? SafetensorsDirectory.SINGLE_FILE
                    : "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size()), shards.get(i));
        }
        return files;
    }

    /** Returns whether there is an index, {@value SafetensorsDirectory#INDEX_FILE}. */
    public boolean hasIndex() {
        return shards.size() > 1;
    }

    /** Returns the text of the index; Jlama, too, needs its {@code metadata}. */
    public String index() {
        ObjectNode root = MAPPER.createObjectNode();
        root.putObject("metadata").put("total_size", bytes());
        ObjectNode map = root.putObject("weight_map");
        files().forEach((file, tensors) -> tensors.forEach(tensor -> map.put(tensor.name(), file)));
        return root.toPrettyString();
    }
}
