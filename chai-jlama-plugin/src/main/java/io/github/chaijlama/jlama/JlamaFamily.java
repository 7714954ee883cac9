// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

import com.github.tjake.jlama.math.ActivationFunction;
import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.AbstractModel.InferenceType;
import com.github.tjake.jlama.model.gemma.GemmaModel;
import com.github.tjake.jlama.model.gemma2.Gemma2Model;
import com.github.tjake.jlama.model.gpt2.GPT2Model;
import com.github.tjake.jlama.model.granite.GraniteModel;
import com.github.tjake.jlama.model.llama.LlamaModel;
import com.github.tjake.jlama.model.mistral.MistralModel;
import com.github.tjake.jlama.model.mixtral.MixtralModel;
import com.github.tjake.jlama.model.qwen2.Qwen2Model;
import com.github.tjake.jlama.safetensors.Config;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.WeightLoader;
import com.github.tjake.jlama.safetensors.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.model.Activation;
import io.github.chaijlama.model.AttentionConfig;
import io.github.chaijlama.model.FeedForwardConfig;
import io.github.chaijlama.model.LayerConfig;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.NormConfig;
import io.github.chaijlama.model.Rotary;
import io.github.chaijlama.model.RotaryScaling;

/** The models that Jlama has a class for and computes rightly as it comes. */
enum JlamaFamily {
    LLAMA("llama", LlamaModel::new),
    MISTRAL("mistral", MistralModel::new),
    QWEN2("qwen2", Qwen2Model::new),
    GRANITE("granite", GraniteModel::new),
    GEMMA("gemma", GemmaModel::new),
    GEMMA2("gemma2", Gemma2Model::new),
    GPT2("gpt2", GPT2Model::new);

    private final String modelType;
    private final Loader loader;

    /** A constructor of Jlama's model classes. */
    @FunctionalInterface
    private interface Loader {
        AbstractModel load(InferenceType type, Config config, WeightLoader weights, Tokenizer tokenizer,
                DType workingType, DType workingQuantizedType, Optional<DType> weightType);
    }

    JlamaFamily(String modelType, Loader loader) {
        this.modelType = modelType;
        this.loader = loader;
    }

    /**
     * Returns the family of a model.
     *
     * @throws ModelLoadException if Jlama's own classes compute it wrongly, or there is none
     */
    static JlamaFamily of(ModelConfig config) {
        refuseWhatIsWrong(config);
        return Arrays.stream(values()).filter(family -> family.modelType.equals(config.modelType())).findFirst()
                .orElseThrow(() -> new ModelLoadException("Jlama 0.8.4 has no class for model type '"
                        + config.modelType() + "'; its own attention runs "
                        + Arrays.stream(values()).map(family -> family.modelType).collect(Collectors.joining(", "))));
    }

    private static void refuseWhatIsWrong(ModelConfig config) {
        AttentionConfig attention = config.layer(0).attention();
        Optional<RotaryScaling> scaling = attention.rotary().map(Rotary::scaling);
        String reason;
        if (attention.heads().queryLength() != config.hiddenSize()) {
            reason = "heads whose sizes add up to " + attention.heads().queryLength() + " and not to hidden_size "
                    + config.hiddenSize();
        } else if (scaling.isPresent() && !(scaling.get() instanceof RotaryScaling.None
                || scaling.get() instanceof RotaryScaling.Linear || scaling.get() instanceof RotaryScaling.Dynamic)) {
            reason = "rotary scaling '" + scaling.get().kind() + "'";
        } else if (config.layer(0).feedForward() instanceof FeedForwardConfig.Experts) {
            reason = "a mixture of experts";
        } else if (hasUnknownBiases(config)) {
            reason = "biases of model type '" + config.modelType() + "'";
        } else if (config.layer(0).feedForward() instanceof FeedForwardConfig.Mlp mlp
                && mlp.activation() != Activation.SILU && mlp.activation() != Activation.GELU_TANH) {
            reason = "the activation function " + mlp.activation();
        } else {
            return;
        }
        throw new ModelLoadException("Jlama 0.8.4's own attention and layers compute " + reason + " wrongly");
    }

    /** Jlama's classes know the biases that their families have always had, and pass over others. */
    private static boolean hasUnknownBiases(ModelConfig config) {
        if (config.modelType().equals(GPT2.modelType)) {
            return false;
        }
        LayerConfig layer = config.layer(0);
        boolean ofInputs = layer.attention().query().bias().isPresent()
                && !config.modelType().equals(QWEN2.modelType);
        return ofInputs || layer.attention().output().bias().isPresent()
                || layer.feedForward() instanceof FeedForwardConfig.Mlp mlp && mlp.up().bias().isPresent();
    }

    /**
     * Builds Jlama's model, which takes each weight as it gets it and computes with 32-bit floats.
     *
     * @param rows the type that is asked for where rows are multiplied with weights
     */
    AbstractModel load(ModelConfig config, WeightLoader weights, DType rows) {
        return loader.load(InferenceType.FULL_GENERATION, jlamaConfig(config), weights, new NoTokenizer(), DType.F32,
                rows, Optional.empty());
    }

    /**
     * Returns a configuration as Jlama's model classes take it. Its attention looks two positions further on for each
     * head (which leaves the scores as they are) and would leave its table of angles before the context ends; so the
     * table is that much longer.
     */
    private static Config jlamaConfig(ModelConfig config) {
        LayerConfig layer = config.layer(0);
        AttentionConfig attention = layer.attention();
        NormConfig norm = config.output().norm().orElseThrow();
        Optional<Rotary> rotary = attention.rotary();
        int heads = attention.heads().numberOfHeads();
        int positions = config.contextLength() + (rotary.isPresent() ? 2 * heads : 0);
        Double theta = rotary.map(Rotary::theta).orElse(null);
        Double factor = rotary.map(Rotary::scaling).filter(RotaryScaling.Linear.class::isInstance)
                .map(scaling -> ((RotaryScaling.Linear) scaling).factor()).orElse(null);
        return new Config(positions, config.hiddenSize(), config.intermediateSize(), heads,
                attention.heads().numberOfKvHeads(), config.layers(), norm.epsilon(), config.vocabularySize(),
                config.bosToken().orElse(-1), config.eosTokens(), activation(layer.feedForward()), theta, factor, null,
                attention.heads().headSize(), unless(0, config.output().softCap()),
                unless(0, attention.scores().softCap()), unless(1, layer.residualMultiplier()),
                attention.scores().scale(), unless(1, config.embedding().multiplier()),
                unless(1, config.output().divisor()));
    }

    private static ActivationFunction.Type activation(FeedForwardConfig feedForward) {
        return ((FeedForwardConfig.Mlp) feedForward).activation() == Activation.SILU ? ActivationFunction.Type.SILU
                : ActivationFunction.Type.GELU_PYTORCH_TANH;
    }

    private static @Nullable Float unless(float nothing, float value) {
        return value == nothing ? null : (Float) value;
    }
}
