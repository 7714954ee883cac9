// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What {@code quantization_config} says about a model's files, as far as tensors do not say it themselves. Immutable.
 *
 * @param blockRows    rows of a matrix that share factors, 0 if there are no blocks
 * @param blockColumns columns of a matrix that share a factor, 0 if there are no blocks
 * @param remarks      what it asks for besides and is not done here, sentences for a user
 */
public record StoredQuantization(int blockRows, int blockColumns, List<String> remarks) {
    /** Files whose weights are as they are. */
    public static final StoredQuantization NONE = new StoredQuantization(0, 0, List.of());

    /** Tensors that are about activations, keys and values. */
    static final String OTHER_TENSORS = ".*[._](input_scale|input_zero_point|input_scale_ub|activation_scale"
            + "|output_scale|output_zero_point|[qkv]_scale|[qkv]_zero_point)";

    static final String CONFIG = "quantization_config";
    private static final Set<String> FLOAT8 = Set.of("fp8", "fbgemm_fp8");
    private static final Set<String> FORMATS = Set.of("dense", "int-quantized", "float-quantized", "naive-quantized",
            "pack-quantized", "mixed-precision");
    private static final Set<String> STRATEGIES = Set.of("tensor", "channel", "group", "block");

    public StoredQuantization {
        remarks = List.copyOf(remarks);
    }

    /** Collects what a configuration says. */
    private record Found(Set<List<Integer>> blocks, Set<String> remarks) {}

    /**
     * Reads what a configuration says.
     *
     * @throws ModelLoadException if it asks for what cannot be read
     */
    static StoredQuantization of(ConfigValues config) {
        ConfigValues quantization = config.object(CONFIG);
        if (quantization.isEmpty()) {
            return NONE;
        }
        Found found = new Found(Set.of(), new TreeSet<>());
        String method = quantization.text("quant_method", "unknown");
        if (FLOAT8.contains(method)) {
            found = float8(quantization);
        } else if (method.equals("compressed-tensors")) {
            found = compressedTensors(quantization);
        } else {
            throw refused(config, method);
        }
        if (found.blocks().size() > 1) {
            throw config.refused(CONFIG, "'" + CONFIG + "' with blocks of several sizes is not supported, found "
                    + found.blocks());
        }
        List<Integer> block = found.blocks().stream().findFirst().orElse(List.of(0, 0));
        return new StoredQuantization(block.get(0), block.get(1), List.copyOf(found.remarks()));
    }

    /** Returns an exception that says what to do instead. */
    static ModelLoadException refused(ConfigValues config, String method) {
        return config.refused(CONFIG, "weights quantized by '" + Excerpt.of(method) + "' are not supported; take the "
                + "model as its makers publish it (F32, BF16, F16), or in FP8 or compressed-tensors, and have its "
                + "weights quantized here: chai.model.weights=q4, --weights q4, or once by chai quantize");
    }

    private static Found float8(ConfigValues quantization) {
        Set<String> remarks = new TreeSet<>();
        if (quantization.has("activation_scheme") || quantization.has("activation_scale_ub")) {
            remarks.add(activations());
        }
        Set<List<Integer>> blocks = quantization.has("weight_block_size")
                ? Set.of(block(quantization, "weight_block_size"))
                : Set.of();
        return new Found(blocks, remarks);
    }

    private static Found compressedTensors(ConfigValues quantization) {
        requireFormat(quantization);
        for (String key : List.of("sparsity_config", "transform_config")) {
            ConfigValues object = quantization.object(key);
            if (!object.isEmpty() && !object.text("format", "").equals("dense")) {
                throw quantization.refused(CONFIG, "'" + key + "' of '" + CONFIG + "' is not supported; take a file of "
                        + "the model without it");
            }
        }
        Found found = new Found(new HashSet<>(), new TreeSet<>());
        if (quantization.has("kv_cache_scheme")) {
            found.remarks().add("'" + CONFIG + "' asks for 8-bit keys and values: here the type of keys and values "
                    + "says that");
        }
        for (ConfigValues group : quantization.objects("config_groups")) {
            requireFormat(group);
            if (group.has("input_activations") || group.has("output_activations")) {
                found.remarks().add(activations());
            }
            if (group.has("weights")) {
                ConfigValues weights = group.object("weights");
                String strategy = weights.text("strategy", "tensor");
                if (!STRATEGIES.contains(strategy)) {
                    throw weights.refused(CONFIG, "'strategy' of '" + CONFIG + "' must be one of "
                            + new TreeSet<>(STRATEGIES) + ", found " + Excerpt.of(strategy));
                }
                if (strategy.equals("block")) {
                    found.blocks().add(block(weights, "block_structure"));
                }
            }
        }
        return found;
    }

    private static void requireFormat(ConfigValues values) {
        String format = values.text("format", "dense");
        if (!FORMATS.contains(format)) {
            throw values.refused(CONFIG, "'format' of '" + CONFIG + "' must be one of " + new TreeSet<>(FORMATS)
                    + ", found " + Excerpt.of(format));
        }
    }

    private static String activations() {
        return "'" + CONFIG + "' asks for 8-bit activations: here they are 32-bit floats, which is more precise";
    }

    private static List<Integer> block(ConfigValues values, String key) {
        List<Integer> block = new ArrayList<>(values.wholeNumbers(key));
        if (block.size() != 2 || block.contains(0)) {
            throw values.bad(key, "two sizes");
        }
        return block;
    }
}
