// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;

/**
 * What a model's configuration says of its rotary embedding.
 *
 * @param theta   base of the frequencies
 * @param scaling how they were stretched
 */
public record Rotary(double theta, RotaryScaling scaling) {
    private static final String ORIGINAL_CONTEXT = "original_max_position_embeddings";
    private static final double DEFAULT_BETA_FAST = 32;
    private static final double DEFAULT_BETA_SLOW = 1;
    private static final double YARN_SLOPE = 0.1;

    /**
     * Reads it from a configuration, in either of Hugging Face's spellings: {@code rope_theta} beside
     * {@code rope_scaling}, or both in {@code rope_parameters}.
     *
     * @param contextLength {@code max_position_embeddings}
     * @throws ModelLoadException if it asks for something that is not supported, by name
     */
    static Rotary read(ConfigValues config, double defaultTheta, int contextLength) {
        ConfigValues parameters = config.object("rope_parameters");
        ConfigValues scaling = config.object("rope_scaling").isEmpty() ? parameters : config.object("rope_scaling");
        double theta = scaling.number("rope_theta",
                parameters.number("rope_theta", config.number("rope_theta", defaultTheta)));
        if (theta <= 1) {
            throw config.refused("'rope_theta' must be above 1, found " + theta);
        }
        for (ConfigValues place : List.of(config, parameters, scaling)) {
            if (place.number("partial_rotary_factor", 1) != 1) {
                throw config.refused("'partial_rotary_factor' other than 1 is not supported");
            }
        }
        return new Rotary(theta, scaling(config, scaling, contextLength));
    }

    /**
     * Returns the positions a model can be used for: with YaRN more than {@code max_position_embeddings} may say, which
     * some configurations leave at what the model was first trained for.
     */
    int contextLength(int maxPositionEmbeddings) {
        return scaling instanceof RotaryScaling.Yarn yarn
                ? Math.clamp((long) (yarn.factor() * yarn.originalContext()), maxPositionEmbeddings,
                        ConfigValues.MAX_SIZE)
                : maxPositionEmbeddings;
    }

    private static RotaryScaling scaling(ConfigValues config, ConfigValues scaling, int contextLength) {
        String kind = scaling.text("rope_type", scaling.text("type", "default"));
        return switch (kind) {
            case "default" -> new RotaryScaling.None();
            case "linear" -> new RotaryScaling.Linear(scaling.number("factor"));
            case "dynamic" -> new RotaryScaling.Dynamic(scaling.number("factor"));
            case "llama3" -> llama3(config, scaling);
            case "yarn" -> yarn(config, scaling, contextLength);
            default -> throw config.refused("rotary scaling '" + Excerpt.of(kind)
                    + "' is not supported; supported: default, linear, dynamic, llama3, yarn");
        };
    }

    private static RotaryScaling llama3(ConfigValues config, ConfigValues scaling) {
        double low = scaling.number("low_freq_factor");
        double high = scaling.number("high_freq_factor");
        if (high <= low) {
            throw scaling.bad("high_freq_factor", "above low_freq_factor (" + low + ")");
        }
        return new RotaryScaling.Llama3(scaling.number("factor"), low, high,
                config.has(ORIGINAL_CONTEXT) ? config.size(ORIGINAL_CONTEXT) : scaling.size(ORIGINAL_CONTEXT));
    }

    private static RotaryScaling yarn(ConfigValues config, ConfigValues scaling, int contextLength) {
        int original = config.size(ORIGINAL_CONTEXT, scaling.size(ORIGINAL_CONTEXT, contextLength));
        double factor = scaling.number("factor", (double) contextLength / original);
        return new RotaryScaling.Yarn(factor, original, scaling.number("beta_fast", DEFAULT_BETA_FAST),
                scaling.number("beta_slow", DEFAULT_BETA_SLOW), amplitude(scaling, factor),
                scaling.flag("truncate", true));
    }

    private static double amplitude(ConfigValues scaling, double factor) {
        if (scaling.has("attention_factor")) {
            return scaling.number("attention_factor");
        }
        if (scaling.has("mscale") && scaling.has("mscale_all_dim")) {
            return sharpening(factor, scaling.number("mscale")) / sharpening(factor, scaling.number("mscale_all_dim"));
        }
        return sharpening(factor, 1);
    }

    private static double sharpening(double factor, double slope) {
        return factor <= 1 ? 1 : YARN_SLOPE * slope * Math.log(factor) + 1;
    }
}
