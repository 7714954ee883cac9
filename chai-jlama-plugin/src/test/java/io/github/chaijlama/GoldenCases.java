// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * The golden cases: random models with results of an independent float64 implementation (src/test/resources/golden).
 */
public final class GoldenCases {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private GoldenCases() {}

    /** One case; {@code profile} and {@code layers} are null when attention is exact. */
    public record GoldenCase(String model, String name, int[] tokens, ClusterProfile profile, float[] logits,
            List<HeadClusters> layers, double maxDifferenceFromExact, double tolerance) {
        @Override
        public String toString() {
            return model + " " + name;
        }

        public Path directory() {
            return GoldenCases.directory(model);
        }
    }

    public static Path directory(String model) {
        return Path.of("src/test/resources/golden", model);
    }

    public static List<GoldenCase> all() {
        List<GoldenCase> cases = new ArrayList<>(of("mha"));
        cases.addAll(of("gqa"));
        return cases;
    }

    public static List<GoldenCase> of(String model) {
        try {
            JsonNode root = MAPPER.readTree(Files.readString(directory(model).resolve("cases.json")));
            List<GoldenCase> cases = new ArrayList<>();
            for (JsonNode node : root.path("cases")) {
                boolean clustered = node.path("attention").asText().equals("clustered");
                cases.add(new GoldenCase(model, node.path("name").asText(),
                        MAPPER.convertValue(node.path("tokens"), int[].class),
                        clustered ? ClusterProfile.parse(node.path("profile").toString(), "case") : null,
                        MAPPER.convertValue(node.path("logits"), float[].class),
                        clustered ? layers(node.path("layers")) : null,
                        node.path("maxDifferenceFromExact").asDouble(), root.path("tolerance").asDouble()));
            }
            return cases;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<HeadClusters> layers(JsonNode layers) {
        List<HeadClusters> clusters = new ArrayList<>();
        for (JsonNode layer : layers) {
            clusters.add(HeadClusters.of(MAPPER.convertValue(layer.path("member"), int[].class),
                    MAPPER.convertValue(layer.path("representatives"), int[].class)));
        }
        return clusters;
    }
}
