// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.safetensors;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.model.JsonFiles;
import io.github.chaijlama.model.ModelDirectory;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.safetensors.SafetensorsFile.Entry;

/**
 * Recognizes a model by its files, in milliseconds: SHA-256 of config.json (its keys in order, without the two that
 * only tell where it comes from) and of every tensor's name, type, shape and {@value #SAMPLES} stretches of
 * {@value #SAMPLE_BYTES} bytes, evenly spread. The same for every way to cut weights into shards; another one after
 * training, converting or quantizing a file.
 */
public final class ModelFingerprint {
    private static final String PREFIX = "sha256:";
    private static final int SAMPLES = 16;
    private static final int SAMPLE_BYTES = 64;

    private ModelFingerprint() {}

    /**
     * Returns the fingerprint of a model directory.
     *
     * @throws ModelLoadException if its files are missing or broken
     */
    public static String of(Path directory) {
        MessageDigest digest = sha256();
        add(digest, canonical(JsonFiles.readObject(ModelDirectory.of(directory).resolve("config.json"))).toString());
        try (Arena arena = Arena.ofConfined()) {
            Map<String, Entry> tensors = new TreeMap<>(SafetensorsDirectory.map(directory, arena));
            for (Entry tensor : tensors.values()) {
                add(digest, tensor.name() + " " + tensor.type() + " " + Arrays.toString(tensor.shape()));
                addSamples(digest, tensor.memory());
            }
        }
        return PREFIX + HexFormat.of().formatHex(digest.digest());
    }

    private static JsonNode canonical(JsonNode config) {
        ObjectNode sorted = ((ObjectNode) config).objectNode();
        new TreeMap<>(((ObjectNode) config).properties().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)))
                .forEach(sorted::set);
        return sorted.without(Arrays.asList("_name_or_path", "transformers_version"));
    }

    private static void addSamples(MessageDigest digest, MemorySegment memory) {
        long last = Math.max(0, memory.byteSize() - SAMPLE_BYTES);
        int length = (int) Math.min(SAMPLE_BYTES, memory.byteSize());
        for (int sample = 0; sample < SAMPLES; sample++) {
            long at = last * sample / (SAMPLES - 1);
            digest.update(memory.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    /** Texts are told apart by a byte that no UTF-8 text has. */
    private static void add(MessageDigest digest, String text) {
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0xff);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
