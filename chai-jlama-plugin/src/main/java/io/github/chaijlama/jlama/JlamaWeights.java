// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

import com.github.tjake.jlama.model.LayerNorm;
import com.github.tjake.jlama.model.MLPBlock;
import com.github.tjake.jlama.model.MoEBlock;
import com.github.tjake.jlama.model.TransformerBlock;
import com.github.tjake.jlama.model.functions.FeedForward;
import com.github.tjake.jlama.tensor.AbstractTensor;

import io.github.chaijlama.jlama.JlamaAccess.AttentionWeights;
import io.github.chaijlama.jlama.JlamaAccess.BlockParts;
import io.github.chaijlama.jlama.JlamaAccess.MlpWeights;
import io.github.chaijlama.jlama.JlamaAccess.MoeWeights;
import io.github.chaijlama.model.AttentionConfig;
import io.github.chaijlama.model.FeedForwardConfig;
import io.github.chaijlama.model.FeedForwardConfig.Mlp;
import io.github.chaijlama.model.KvConfig;
import io.github.chaijlama.model.LayerConfig;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.NormConfig;
import io.github.chaijlama.model.Projection;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightRows;
import io.github.chaijlama.weight.WeightSource;

/** The weights of the layers of a model that Jlama loaded: its tensors, and copies of vectors that are not F32. */
final class JlamaWeights implements WeightSource {
    private final Set<WeightFormat> multiplied;
    private final Arena arena;
    private final Map<TensorPart, Weight> weights = new HashMap<>();

    /**
     * Finds the weights.
     *
     * @param config     the model's configuration
     * @param blocks     its layers, as Jlama made them
     * @param multiplied the formats that rows can be multiplied with
     * @param arena      owns the copies
     * @throws ModelLoadException if the layers are not what the configuration says, or a matrix is of a format that
     *                            nothing multiplies with
     */
    JlamaWeights(ModelConfig config, TransformerBlock[] blocks, Set<WeightFormat> multiplied, Arena arena) {
        this.multiplied = multiplied;
        this.arena = arena;
        for (int layer = 0; layer < blocks.length; layer++) {
            add(config.layer(layer), JlamaAccess.parts(blocks[layer]));
        }
    }

    private void add(LayerConfig layer, BlockParts block) {
        AttentionConfig attention = layer.attention();
        AttentionWeights own = JlamaAccess.weights(block.attention());
        add(layer.attentionNorm(), block.preAttentionNorm());
        add(attention.query(), own.query(), own.queryBias());
        switch (attention.kv()) {
            case KvConfig.Own(Projection key, Optional<Projection> value, _, _) -> {
                add(key, own.key(), own.keyBias());
                add(value.orElse(key), own.value(), own.valueBias());
            }
            case KvConfig.OfLayer _ ->
                throw new ModelLoadException(
                        "the model's layers have keys of their own, its configuration says otherwise");
        }
        add(attention.output(), own.output(), own.outputBias());
        add(layer.afterAttentionNorm(), block.postAttentionNorm());
        add(layer.feedForwardNorm(), block.preFeedForwardNorm());
        add(layer.feedForward(), block.feedForward());
        add(layer.afterFeedForwardNorm(), block.postFeedForwardNorm());
    }

    private void add(FeedForwardConfig config, FeedForward network) {
        switch (config) {
            case Mlp mlp when network instanceof MLPBlock block -> add(mlp, JlamaAccess.weights(block));
            case FeedForwardConfig.Experts experts when network instanceof MoEBlock block ->
                add(experts, JlamaAccess.weights(block));
            default -> throw new ModelLoadException("the model's feed-forward network is a "
                    + network.getClass().getSimpleName() + ", its configuration has another kind");
        }
    }

    /** What Jlama calls the gate is, in a network without one, what comes before the activation. */
    private void add(Mlp config, MlpWeights own) {
        if (config.gate().isPresent() != own.up().isPresent()) {
            throw new ModelLoadException("the model's feed-forward network has "
                    + (own.up().isPresent() ? "a gate" : "no gate") + ", its configuration says otherwise");
        }
        Projection first = config.gate().orElse(config.up());
        add(first, own.gate(), own.gateBias());
        own.up().ifPresent(up -> add(config.up(), up, Optional.empty()));
        add(config.down(), own.down(), own.downBias());
    }

    private void add(FeedForwardConfig.Experts config, MoeWeights own) {
        List<Mlp> experts = config.experts();
        if (experts.size() != own.gate().length || config.expertsPerToken() != own.expertsPerToken()) {
            throw new ModelLoadException("the model chooses " + own.expertsPerToken() + " of " + own.gate().length
                    + " experts, its configuration has " + config.expertsPerToken() + " of " + experts.size());
        }
        add(config.router().projection(), own.router(), Optional.empty());
        for (int expert = 0; expert < experts.size(); expert++) {
            add(experts.get(expert).gate().orElseThrow(), own.gate()[expert], Optional.empty());
            add(experts.get(expert).up(), own.up()[expert], Optional.empty());
            add(experts.get(expert).down(), own.down()[expert], Optional.empty());
        }
    }

    private void add(Optional<NormConfig> config, Optional<LayerNorm> norm) {
        if (config.isPresent() != norm.isPresent()) {
            throw new ModelLoadException("the model has " + (norm.isPresent() ? "a" : "no")
                    + " norm where its configuration has " + (config.isPresent() ? "one" : "none"));
        }
        config.ifPresent(present -> {
            addVector(present.weight().orElseThrow(), JlamaAccess.normWeights(norm.get()));
            present.bias().ifPresent(bias -> addVector(bias, JlamaAccess.normBias(norm.get())));
        });
    }

    private void add(Projection config, AbstractTensor<?, ?> matrix, Optional<AbstractTensor<?, ?>> bias) {
        if (config.bias().isPresent() != bias.isPresent()) {
            throw new ModelLoadException("the model has " + (bias.isPresent() ? "a" : "no") + " bias beside "
                    + config.weight().tensor() + ", its configuration has " + (bias.isPresent() ? "none" : "one"));
        }
        Weight weight = JlamaTensors.weight(config.weight().tensor(), matrix);
        if (weight.rows() != config.weight().rows() || weight.columns() != config.weight().columns()) {
            throw new ModelLoadException("the model's " + config.weight().tensor() + " is " + weight.rows() + " x "
                    + weight.columns() + ", its configuration has " + config.weight().rows() + " x "
                    + config.weight().columns());
        }
        if (!multiplied.contains(weight.format())) {
            throw new ModelLoadException("the operators on this machine cannot multiply with weights of type "
                    + weight.format() + ", which the model's " + config.weight().tensor() + " is; they can with "
                    + multiplied.stream().map(WeightFormat::name).collect(Collectors.joining(", ")));
        }
        weights.put(config.weight(), weight);
        config.bias().ifPresent(part -> addVector(part, bias.get()));
    }

    private void addVector(TensorPart part, AbstractTensor<?, ?> vector) {
        Weight stored = JlamaTensors.weight(part.tensor(), vector);
        if (stored.size() != part.rows()) {
            throw new ModelLoadException("the model's " + part.tensor() + " has " + stored.size()
                    + " values, its configuration has " + part.rows());
        }
        MemorySegment values = stored.data();
        if (stored.format() != WeightFormat.F32) {
            values = arena.allocate(stored.size() * Float.BYTES, Long.BYTES);
            WeightRows rows = new WeightRows(stored);
            for (int row = 0; row < stored.rows(); row++) {
                rows.decode(row, values, (long) row * stored.columns());
            }
        }
        weights.put(part, new Weight(part.tensor(), WeightFormat.F32, 1, part.rows(), values));
    }

    @Override
    public Weight weight(TensorPart part) {
        Weight weight = weights.get(part);
        if (weight == null) {
            throw new IllegalArgumentException("no weight of this model's layers: " + part);
        }
        return weight;
    }
}
