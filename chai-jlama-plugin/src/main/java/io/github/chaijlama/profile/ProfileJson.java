// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.profile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.RepresentativeChoice;

/**
 * Reads and writes {@code chai-profile/1}. Unknown keys are ignored; anything else unexpected names what was expected.
 */
final class ProfileJson {
    private static final String FORMAT = "chai-profile/1";
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private ProfileJson() {}

    static ClusterProfile parse(String json, String source) {
        try {
            JsonNode root = MAPPER.readTree(json);
            if (root == null || !root.isObject()) {
                throw new ProfileException("expected a JSON object");
            }
            String format = text(root, "format");
            if (!format.equals(FORMAT)) {
                throw new ProfileException("'format' must be " + FORMAT + ", found " + format);
            }
            List<Integer> clusters = Arrays.stream(integers(root, "clusters", "")).boxed().toList();
            return new ClusterProfile(shape(object(root, "model")), clusters, membership(root),
                    root.has("fingerprint") ? Optional.of(text(root, "fingerprint")) : Optional.empty(),
                    root.has("maxDivergence") ? Optional.of(number(root, "maxDivergence")) : Optional.empty());
        } catch (JsonProcessingException e) {
            throw new ProfileException("profile " + source + " is not JSON: " + e.getOriginalMessage() + " (line "
                    + (e.getLocation() == null ? "?" : e.getLocation().getLineNr()) + ")", e);
        } catch (ProfileException | IllegalArgumentException e) {
            throw new ProfileException("profile " + source + ": " + e.getMessage(), e);
        }
    }

    private static ModelShape shape(JsonNode model) {
        return new ModelShape(text(model, "type"), integer(model, "layers"), integer(model, "heads"),
                ofLayers(model, "kvHeads"), ofLayers(model, "headSize"));
    }

    /** Reads a number for all layers, or a list with one for each. */
    private static List<Integer> ofLayers(JsonNode model, String key) {
        return model.path(key).isArray() ? Arrays.stream(integers(model, key, "")).boxed().toList()
                : List.of(integer(model, key));
    }

    private static JsonNode ofLayers(List<Integer> numbers) {
        return MAPPER.valueToTree(numbers.size() == 1 ? numbers.getFirst() : numbers);
    }

    private static Membership membership(JsonNode root) {
        JsonNode membership = object(root, "membership");
        String kind = text(membership, "kind");
        return switch (kind) {
            case "ONLINE" -> new Membership.Online(integer(membership, "window", Membership.DEFAULT_WINDOW),
                    integer(membership, "offset", 0),
                    constant(membership, "algorithm", ClusteringAlgorithm.AGGLOMERATIVE),
                    constant(membership, "representative", RepresentativeChoice.FIRST));
            case "PROMPT" ->
                new Membership.Prompt(constant(membership, "algorithm", ClusteringAlgorithm.AGGLOMERATIVE),
                        constant(membership, "representative", RepresentativeChoice.FIRST));
            case "STATIC" -> new Membership.Static(layers(root));
            default -> throw new ProfileException("membership 'kind' must be ONLINE, PROMPT or STATIC, found " + kind);
        };
    }

    private static List<HeadClusters> layers(JsonNode root) {
        JsonNode layers = root.path("layers");
        if (!layers.isArray()) {
            throw new ProfileException(
                    "STATIC membership needs 'layers', a list with the members and representatives of "
                            + "each layer, found " + found(layers));
        }
        List<HeadClusters> clusters = new ArrayList<>();
        for (int layer = 0; layer < layers.size(); layer++) {
            String where = " of layer " + layer;
            try {
                clusters.add(HeadClusters.of(integers(layers.get(layer), "member", where),
                        integers(layers.get(layer), "representatives", where)));
            } catch (IllegalArgumentException e) {
                throw new ProfileException("layer " + layer + ": " + e.getMessage(), e);
            }
        }
        return clusters;
    }

    static ObjectNode toJson(ClusterProfile profile) {
        ObjectNode root = MAPPER.createObjectNode();
        root.put("format", FORMAT);
        ModelShape model = profile.model();
        ObjectNode shape = root.putObject("model").put("type", model.type()).put("layers", model.layers())
                .put("heads", model.heads());
        shape.set("kvHeads", ofLayers(model.kvHeads()));
        shape.set("headSize", ofLayers(model.headSizes()));
        ArrayNode clusters = root.putArray("clusters");
        profile.clusters().forEach(clusters::add);
        ObjectNode membership = root.putObject("membership");
        switch (profile.membership()) {
            case Membership.Online online -> membership.put("kind", "ONLINE").put("window", online.window())
                    .put("offset", online.offset()).put("algorithm", online.algorithm().name())
                    .put("representative", online.representative().name());
            case Membership.Prompt prompt ->
                membership.put("kind", "PROMPT").put("algorithm", prompt.algorithm().name())
                        .put("representative", prompt.representative().name());
            case Membership.Static(List<HeadClusters> layers) -> {
                membership.put("kind", "STATIC");
                ArrayNode list = root.putArray("layers");
                for (HeadClusters heads : layers) {
                    ObjectNode layer = list.addObject();
                    layer.set("member", MAPPER.valueToTree(heads.members()));
                    layer.set("representatives", MAPPER.valueToTree(heads.representatives()));
                }
            }
        }
        profile.fingerprint().ifPresent(fingerprint -> root.put("fingerprint", fingerprint));
        profile.maxDivergence().ifPresent(bound -> root.put("maxDivergence", bound));
        return root;
    }

    private static JsonNode object(JsonNode parent, String key) {
        JsonNode node = parent.path(key);
        if (!node.isObject()) {
            throw new ProfileException("'" + key + "' must be an object, found " + found(node));
        }
        return node;
    }

    private static String text(JsonNode parent, String key) {
        JsonNode node = parent.path(key);
        if (!node.isTextual()) {
            throw new ProfileException("'" + key + "' must be a string, found " + found(node));
        }
        return node.textValue();
    }

    private static double number(JsonNode parent, String key) {
        JsonNode node = parent.path(key);
        if (!node.isNumber()) {
            throw new ProfileException("'" + key + "' must be a number, found " + found(node));
        }
        return node.doubleValue();
    }

    private static int integer(JsonNode parent, String key) {
        return intValue(parent.path(key), "'" + key + "'");
    }

    private static int integer(JsonNode parent, String key, int defaultValue) {
        return parent.has(key) ? integer(parent, key) : defaultValue;
    }

    private static int intValue(JsonNode node, String what) {
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw new ProfileException(what + " must be a whole number, found " + found(node));
        }
        return node.intValue();
    }

    private static int[] integers(JsonNode parent, String key, String where) {
        JsonNode node = parent.path(key);
        if (!node.isArray()) {
            throw new ProfileException("'" + key + "'" + where + " must be a list of numbers, found " + found(node));
        }
        int[] values = new int[node.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = intValue(node.get(i), "entry " + i + " of '" + key + "'" + where);
        }
        return values;
    }

    private static <T extends Enum<T>> T constant(JsonNode parent, String key, T defaultValue) {
        if (!parent.has(key)) {
            return defaultValue;
        }
        String name = text(parent, key);
        T[] constants = defaultValue.getDeclaringClass().getEnumConstants();
        return Arrays.stream(constants).filter(constant -> constant.name().equals(name)).findFirst().orElseThrow(
                () -> new ProfileException(
                        "'" + key + "' must be one of " + Arrays.toString(constants) + ", found " + name));
    }

    private static String found(JsonNode node) {
        return node.isMissingNode() ? "nothing" : node.toString();
    }
}
