// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import com.fasterxml.jackson.databind.JsonNode;

/** The rotary embedding of a config.json and its scaling, as plain loops in double. */
final class ScalarRotary {
    private final int headSize;
    private final double[] frequencies;
    private double attentionFactor = 1;
    private int maxPositions = Integer.MAX_VALUE;

    ScalarRotary(JsonNode config, int headSize) {
        this.headSize = headSize;
        JsonNode rope = config.path("rope_parameters").isObject() ? config.path("rope_parameters")
                : config.path("rope_scaling");
        double theta = rope.path("rope_theta").asDouble(config.path("rope_theta").asDouble(
                config.path("model_type").asText().equals("mixtral") ? 1e6 : 10000));
        frequencies = new double[headSize / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = 1 / Math.pow(theta, 2.0 * i / headSize);
        }
        String type = rope.path("rope_type").asText(rope.path("type").asText("default"));
        switch (type) {
            case "default" -> {
            }
            case "linear" -> {
                for (int i = 0; i < frequencies.length; i++) {
                    frequencies[i] /= required(rope, "factor");
                }
            }
            // Nothing is scaled before a text is longer than the model was made for.
            case "dynamic" -> maxPositions = (int) required(config, "max_position_embeddings");
            case "llama3" -> scaleLlama3(rope);
            case "yarn" -> scaleYarn(rope, theta, config);
            default -> throw new IllegalArgumentException("rotary scaling " + type);
        }
    }

    double[] frequencies() {
        return frequencies.clone();
    }

    double attentionFactor() {
        return attentionFactor;
    }

    /** Returns one position's queries or keys of all heads, rotated. */
    double[] rotate(double[] heads, int position) {
        if (position >= maxPositions) {
            throw new IllegalArgumentException("dynamic scaling beyond " + maxPositions + " positions");
        }
        double[] result = new double[heads.length];
        for (int first = 0; first < heads.length; first += headSize) {
            for (int i = 0; i < headSize / 2; i++) {
                double cos = Math.cos(position * frequencies[i]) * attentionFactor;
                double sin = Math.sin(position * frequencies[i]) * attentionFactor;
                double a = heads[first + i];
                double b = heads[first + i + headSize / 2];
                result[first + i] = a * cos - b * sin;
                result[first + i + headSize / 2] = b * cos + a * sin;
            }
        }
        return result;
    }

    private void scaleLlama3(JsonNode rope) {
        double factor = required(rope, "factor");
        double low = required(rope, "low_freq_factor");
        double high = required(rope, "high_freq_factor");
        double original = required(rope, "original_max_position_embeddings");
        for (int i = 0; i < frequencies.length; i++) {
            double wavelength = 2 * Math.PI / frequencies[i];
            if (wavelength > original / low) {
                frequencies[i] /= factor;
            } else if (wavelength >= original / high) {
                double smooth = (original / wavelength - low) / (high - low);
                frequencies[i] = (1 - smooth) * frequencies[i] / factor + smooth * frequencies[i];
            }
        }
    }

    private void scaleYarn(JsonNode rope, double theta, JsonNode config) {
        for (String unknown : new String[]{ "mscale", "mscale_all_dim", "truncate" }) {
            if (rope.hasNonNull(unknown)) {
                throw new IllegalArgumentException("rotary scaling yarn with " + unknown);
            }
        }
        double factor = required(rope, "factor");
        double original = rope.hasNonNull("original_max_position_embeddings")
                ? required(rope, "original_max_position_embeddings")
                : required(config, "max_position_embeddings");
        double fast = rope.hasNonNull("beta_fast") ? required(rope, "beta_fast") : 32;
        double slow = rope.hasNonNull("beta_slow") ? required(rope, "beta_slow") : 1;
        double low = Math.max(Math.floor(correction(fast, original, theta)), 0);
        double high = Math.min(Math.ceil(correction(slow, original, theta)), headSize - 1);
        if (low == high) {
            high += 0.001;
        }
        for (int i = 0; i < frequencies.length; i++) {
            double ramp = Math.clamp((i - low) / (high - low), 0.0, 1.0);
            frequencies[i] = ramp * frequencies[i] / factor + (1 - ramp) * frequencies[i];
        }
        if (rope.hasNonNull("attention_factor")) {
            attentionFactor = required(rope, "attention_factor");
        } else {
            attentionFactor = factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
        }
    }

    /** Returns the pair (a fraction) that turns so many times within the original context. */
    private double correction(double rotations, double original, double theta) {
        return headSize * Math.log(original / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    private static double required(JsonNode parent, String name) {
        if (!parent.path(name).isNumber()) {
            throw new IllegalArgumentException("no number " + name);
        }
        return parent.path(name).doubleValue();
    }
}
