// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.llama.LlamaModel;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.WeightLoader;

/** The architectures that are supported. Everything that differs from one to the next is said here. */
public enum ModelFamily {
    /** Llama 1, 2 and 3, and models of the same layout; multi-head and grouped-query. */
    LLAMA("llama") {
        @Override
        AbstractModel load(ModelConfig config, boolean rotary, WeightLoader weights, Optional<DType> weightType) {
            return new LlamaModel(AbstractModel.InferenceType.FULL_GENERATION, config.toJlama(rotary), weights,
                    new NoTokenizer(), DType.F32, DType.F32, weightType);
        }

        @Override
        void requireWeights(ModelConfig config, SafetensorsWeights weights) {
            long hidden = config.hiddenSize();
            long query = config.heads().queryLength();
            long kv = config.heads().kvLength();
            weights.require(EMBEDDING, config.vocabularySize(), hidden);
            for (int layer = 0; layer < config.layers(); layer++) {
                String prefix = "model.layers." + layer + ".";
                weights.require(prefix + "input_layernorm.weight", hidden);
                weights.require(prefix + "self_attn.q_proj.weight", query, hidden);
                weights.require(prefix + "self_attn.k_proj.weight", kv, hidden);
                weights.require(prefix + "self_attn.v_proj.weight", kv, hidden);
                weights.require(prefix + "self_attn.o_proj.weight", hidden, query);
                weights.require(prefix + "post_attention_layernorm.weight", hidden);
                weights.require(prefix + "mlp.gate_proj.weight", config.intermediateSize(), hidden);
                weights.require(prefix + "mlp.up_proj.weight", config.intermediateSize(), hidden);
                weights.require(prefix + "mlp.down_proj.weight", hidden, config.intermediateSize());
            }
            weights.require("model.norm.weight", hidden);
            if (!config.tiedEmbeddings()) {
                weights.require("lm_head.weight", config.vocabularySize(), hidden);
            }
        }
    };

    static final String EMBEDDING = "model.embed_tokens.weight";

    private final String modelType;

    ModelFamily(String modelType) {
        this.modelType = modelType;
    }

    /** Returns the {@code model_type} of config.json. */
    public String modelType() {
        return modelType;
    }

    /**
     * Returns the family of a {@code model_type}.
     *
     * @throws ModelLoadException if it is not supported, with its name and those that are
     */
    static ModelFamily of(String modelType) {
        return Arrays.stream(values()).filter(family -> family.modelType.equals(modelType)).findFirst()
                .orElseThrow(() -> new ModelLoadException("model type '" + modelType + "' is not supported; supported: "
                        + Arrays.stream(values()).map(ModelFamily::modelType).collect(Collectors.joining(", "))));
    }

    /**
     * Builds Jlama's model.
     *
     * @param rotary     whether Jlama's own attention will run and needs its table of angles
     * @param weightType type the weights are kept in, empty to leave the choice to Jlama
     */
    abstract AbstractModel load(ModelConfig config, boolean rotary, WeightLoader weights, Optional<DType> weightType);

    /** Checks that every tensor of the architecture is there with the shape the configuration implies. */
    abstract void requireWeights(ModelConfig config, SafetensorsWeights weights);
}
