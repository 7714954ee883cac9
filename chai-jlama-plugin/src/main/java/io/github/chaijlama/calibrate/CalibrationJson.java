// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.files.AtomicFile;

/**
 * Writes a calibrated profile: {@code chai-profile/1} with what was measured as its {@code calibration}. The same
 * calibration gives the same bytes; so there is no date but one that the user gives.
 */
public final class CalibrationJson {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private CalibrationJson() {}

    /**
     * Where a calibration comes from.
     *
     * @param texts   name of the texts
     * @param date    any date the user wants in the profile
     * @param version version of the program
     */
    public record Origin(String texts, Optional<String> date, String version) {}

    /** Returns the profile and how it came about. */
    public static ObjectNode toJson(Calibration calibration, Origin origin) {
        ObjectNode root = profile(calibration);
        ObjectNode node = root.putObject("calibration");
        CalibrationOptions options = calibration.options();
        node.put("texts", origin.texts()).put("samples", calibration.samples()).put("tokens", calibration.tokens())
                .put("heldOut", calibration.heldOut()).put("seed", options.seed())
                .put("maxResidual", options.maxResidual()).put("exactPerplexity", calibration.exactPerplexity());
        if (options.membership().kind() == MembershipChoice.Kind.STATIC) {
            node.put("distance", options.membership().distance().name());
        }
        node.set("loss", loss(calibration.loss()));
        ArrayNode layers = node.putArray("layers");
        calibration.layers().forEach(layer -> layers.add(layer(layer)));
        calibration.search().ifPresent(search -> node.set("search", search(search)));
        origin.date().ifPresent(date -> node.put("date", date));
        node.putObject("versions").put("chai", origin.version()).put("java", Runtime.version().toString());
        return root;
    }

    /**
     * Writes the profile to a file, whole or not at all.
     *
     * @throws CalibrationException if it cannot be written; an existing file is unchanged then
     */
    public static void write(Calibration calibration, Origin origin, Path file) {
        try {
            AtomicFile.write(file, toJson(calibration, origin).toPrettyString() + "\n");
        } catch (IOException e) {
            throw new CalibrationException("profile " + file + " cannot be written: " + AtomicFile.reason(e), e);
        }
    }

    private static ObjectNode profile(Calibration calibration) {
        try {
            return (ObjectNode) MAPPER.readTree(calibration.profile().toJson());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a profile is JSON", e);
        }
    }

    private static ObjectNode layer(LayerRedundancy layer) {
        ObjectNode node = MAPPER.createObjectNode();
        node.set("errors", MAPPER.valueToTree(layer.curve().errors()));
        return node.put("energy", layer.curve().energy()).put("elbow", layer.elbow()).put("residual", layer.residual())
                .put("clusters", layer.clusters()).put("meanSimilarity", layer.meanSimilarity());
    }

    private static ObjectNode search(SearchResult search) {
        ObjectNode node = MAPPER.createObjectNode();
        node.put("budget", search.budget().measure().name()).put("bound", search.budget().bound())
                .put("measurements", search.measurements()).put("stopped", search.stopped());
        node.set("found", point(search.found()));
        node.set("verified", point(search.verified()));
        ArrayNode sensitivities = node.putArray("sensitivities");
        search.sensitivities().forEach(sensitivity -> {
            ObjectNode entry = sensitivities.addObject();
            entry.put("layer", sensitivity.layer()).put("clusters", sensitivity.clusters());
            entry.setAll(loss(sensitivity.loss()));
        });
        node.set("path", points(search.path()));
        node.set("beyond", points(search.beyond()));
        return node;
    }

    private static JsonNode points(List<QualityPoint> points) {
        ArrayNode array = MAPPER.createArrayNode();
        points.forEach(point -> array.add(point(point)));
        return array;
    }

    private static ObjectNode point(QualityPoint point) {
        ObjectNode node = MAPPER.createObjectNode();
        node.set("clusters", MAPPER.valueToTree(point.clusters().perLayer()));
        node.setAll(loss(point.loss()));
        return node;
    }

    private static ObjectNode loss(QualityLoss loss) {
        ObjectNode node = MAPPER.createObjectNode();
        node.put("kvSaving", loss.kvSaving()).put("scoreSaving", loss.scoreSaving())
                .put("perplexityIncrease", loss.perplexityIncrease())
                .put("agreement", loss.agreement());
        node.set("divergence", estimate(loss.divergence()));
        node.set("logLossDifference", estimate(loss.logLossDifference()));
        loss.accuracyDrop().ifPresent(drop -> node.set("accuracyDrop", estimate(drop)));
        if (!loss.answers().isEmpty()) {
            node.set("answers", MAPPER.valueToTree(loss.answers()));
        }
        return node;
    }

    /** Numbers that JSON does not know become null. */
    private static ObjectNode estimate(Estimate estimate) {
        ObjectNode node = MAPPER.createObjectNode().put("value", estimate.value());
        if (Double.isFinite(estimate.standardError())) {
            return node.put("standardError", estimate.standardError());
        }
        return node.putNull("standardError");
    }
}
