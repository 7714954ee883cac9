// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;

/**
 * Reads rotary embeddings from a configuration, in either of Hugging Face's spellings: {@code rope_theta} beside
 * {@code rope_scaling}, or both in {@code rope_parameters}.
 */
final class RotaryReader {
    private static final String ORIGINAL_CONTEXT = "original_max_position_embeddings";
    private static final double DEFAULT_BETA_FAST = 32;
    private static final double DEFAULT_BETA_SLOW = 1;
    private static final double YARN_SLOPE = 0.1;

    private final ConfigValues config;
    private final int contextLength;

    /**
     * Creates a reader.
     *
     * @param contextLength {@code max_position_embeddings}
     */
    RotaryReader(ConfigValues config, int contextLength) {
        this.config = config;
        this.contextLength = contextLength;
    }

    /**
     * Reads the embedding of whole rows that all layers share.
     *
     * @throws ModelLoadException if it asks for something that is not supported, by name
     */
    Rotary whole(double defaultTheta) {
        ConfigValues scaling = scaling();
        for (ConfigValues place : List.of(config, parameters(), scaling)) {
            if (place.number("partial_rotary_factor", 1) != 1) {
                throw config.refused("'partial_rotary_factor' other than 1 is not supported");
            }
        }
        return read(scaling, theta(scaling, defaultTheta), 1);
    }

    /**
     * Reads the embedding of {@code partial_rotary_factor} of each row that all layers share, as Phi 3 means it: older
     * names of longrope are understood.
     *
     * @throws ModelLoadException as {@link #whole} does
     */
    Rotary partial(double defaultTheta) {
        ConfigValues scaling = scaling();
        double share = share(scaling.number("partial_rotary_factor",
                parameters().number("partial_rotary_factor", config.number("partial_rotary_factor", 1))));
        String kind = kind(scaling);
        return read(scaling, kind.equals("su") || kind.equals("yarn") ? "longrope" : kind,
                theta(scaling, defaultTheta), share);
    }

    /**
     * Reads the embedding of one kind of layers: {@code rope_parameters} has an object for each.
     *
     * @param kind     as {@code layer_types} names it
     * @param thetaKey where older files have the base, beside or instead of {@code rope_parameters}
     * @param scaled   whether {@code rope_scaling} of older files is about this kind
     * @throws ModelLoadException as {@link #whole} does
     */
    Rotary ofLayers(String kind, String thetaKey, double defaultTheta, boolean scaled) {
        ConfigValues own = parameters().object(kind);
        double theta = checked(config.number(thetaKey, defaultTheta));
        if (!own.isEmpty()) {
            return read(own, checked(own.number("rope_theta", defaultTheta)), 1);
        }
        ConfigValues old = config.object("rope_scaling").isEmpty() ? parameters() : config.object("rope_scaling");
        return scaled ? read(old, theta, 1) : new Rotary(theta, new RotaryScaling.None());
    }

    /**
     * Reads the embedding of one kind of layers as {@code rope_parameters} has it.
     *
     * @param kind   as {@code layer_types} names it
     * @param unsaid what it is where there are no {@code rope_parameters}
     * @throws ModelLoadException as {@link #whole} does
     */
    Rotary ofLayers(String kind, Rotary unsaid) {
        if (parameters().isEmpty()) {
            return unsaid;
        }
        ConfigValues own = parameters().object(kind);
        if (own.isEmpty()) {
            throw config.bad("rope_parameters", "an object with " + kind);
        }
        double theta = checked(own.number("rope_theta"));
        double share = own.number("partial_rotary_factor", 1);
        if (kind(own).equals("proportional")) {
            return new Rotary(theta, new RotaryScaling.Proportional(share(share), own.number("factor", 1)));
        }
        if (share != 1) {
            throw config.refused("'partial_rotary_factor' other than 1 is not supported");
        }
        return read(own, theta, 1);
    }

    private double share(double share) {
        if (share > 1) {
            throw config.refused("'partial_rotary_factor' must be at most 1, found " + share);
        }
        return share;
    }

    private ConfigValues parameters() {
        return config.object("rope_parameters");
    }

    private ConfigValues scaling() {
        return config.object("rope_scaling").isEmpty() ? parameters() : config.object("rope_scaling");
    }

    private double theta(ConfigValues scaling, double defaultTheta) {
        return checked(scaling.number("rope_theta",
                parameters().number("rope_theta", config.number("rope_theta", defaultTheta))));
    }

    private double checked(double theta) {
        if (theta <= 1) {
            throw config.refused("'rope_theta' must be above 1, found " + theta);
        }
        return theta;
    }

    private static String kind(ConfigValues scaling) {
        return scaling.text("rope_type", scaling.text("type", "default"));
    }

    private Rotary read(ConfigValues scaling, double theta, double share) {
        return read(scaling, kind(scaling), theta, share);
    }

    private Rotary read(ConfigValues scaling, String kind, double theta, double share) {
        return new Rotary(theta, switch (kind) {
            case "default" -> new RotaryScaling.None();
            case "linear" -> new RotaryScaling.Linear(scaling.number("factor"));
            case "dynamic" -> new RotaryScaling.Dynamic(scaling.number("factor"));
            case "llama3" -> llama3(scaling);
            case "yarn" -> yarn(scaling);
            case "longrope" -> longrope(scaling);
            default -> throw config.refused("rotary scaling '" + Excerpt.of(kind)
                    + "' is not supported; supported: default, linear, dynamic, llama3, yarn, longrope");
        }, share);
    }

    private RotaryScaling llama3(ConfigValues scaling) {
        double low = scaling.number("low_freq_factor");
        double high = scaling.number("high_freq_factor");
        if (high <= low) {
            throw scaling.bad("high_freq_factor", "above low_freq_factor (" + low + ")");
        }
        return new RotaryScaling.Llama3(scaling.number("factor"), low, high,
                config.has(ORIGINAL_CONTEXT) ? config.size(ORIGINAL_CONTEXT) : scaling.size(ORIGINAL_CONTEXT));
    }

    private RotaryScaling yarn(ConfigValues scaling) {
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
        if (scaling.numberOrNone("mscale") != 0 && scaling.numberOrNone("mscale_all_dim") != 0) {
            return sharpening(factor, scaling.number("mscale")) / sharpening(factor, scaling.number("mscale_all_dim"));
        }
        return sharpening(factor, 1);
    }

    private static double sharpening(double factor, double slope) {
        return factor <= 1 ? 1 : YARN_SLOPE * slope * Math.log(factor) + 1;
    }

    private RotaryScaling longrope(ConfigValues scaling) {
        int original = config.size(ORIGINAL_CONTEXT, scaling.size(ORIGINAL_CONTEXT, contextLength));
        double factor = scaling.number("factor", (double) contextLength / original);
        double amplitude = scaling.number("attention_factor",
                factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original)));
        return new RotaryScaling.Longrope(scaling.numbers("short_factor"), scaling.numbers("long_factor"), original,
                amplitude);
    }
}
