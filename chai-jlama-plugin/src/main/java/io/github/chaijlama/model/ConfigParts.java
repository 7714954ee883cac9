// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Collects the weights that a configuration names. */
final class ConfigParts {
    private final Map<TensorPart, WeightRole> roles = new LinkedHashMap<>();

    private ConfigParts() {}

    static Map<TensorPart, WeightRole> of(ModelConfig config) {
        ConfigParts parts = new ConfigParts();
        EmbeddingConfig embedding = config.embedding();
        OutputConfig output = config.output();
        parts.add(embedding.tokens(), output.isTied() ? WeightRole.TIED_TABLE : WeightRole.TABLE);
        embedding.projection().ifPresent(projection -> parts.add(projection, WeightRole.MATRIX));
        embedding.positions().ifPresent(positions -> parts.add(positions, WeightRole.TABLE));
        embedding.ofLayers().ifPresent(parts::add);
        config.layerConfigs().forEach(parts::add);
        parts.add(output.norm());
        output.projection().ifPresent(projection -> parts.add(projection, WeightRole.MATRIX));
        output.weight().ifPresent(weight -> parts.add(weight, WeightRole.MATRIX));
        return parts.roles;
    }

    private void add(LayerConfig layer) {
        AttentionConfig attention = layer.attention();
        add(layer.attentionNorm());
        add(attention.query(), WeightRole.MATRIX);
        switch (attention.kv()) {
            case KvConfig.Own own -> {
                add(own.key(), WeightRole.MATRIX);
                own.value().ifPresent(value -> add(value, WeightRole.MATRIX));
                add(own.keyNorm());
                add(own.valueNorm());
            }
            case KvConfig.OfLayer _ -> {
            }
        }
        add(attention.queryNorm());
        attention.sinks().ifPresent(sinks -> add(sinks, WeightRole.VECTOR));
        add(attention.output(), WeightRole.MATRIX);
        add(layer.afterAttentionNorm());
        add(layer.feedForwardNorm());
        add(layer.feedForward());
        add(layer.afterFeedForwardNorm());
        add(layer.attentionSumNorm());
        add(layer.feedForwardSumNorm());
        layer.tokenInput().ifPresent(this::add);
        layer.scale().ifPresent(scale -> add(scale, WeightRole.VECTOR));
    }

    private void add(FeedForwardConfig network) {
        switch (network) {
            case FeedForwardConfig.Mlp mlp -> add(mlp);
            case FeedForwardConfig.Experts experts -> {
                add(experts.router().norm());
                add(experts.router().projection(), WeightRole.ROUTER);
                experts.router().shares().ifPresent(shares -> add(shares, WeightRole.VECTOR));
                add(experts.norm());
                experts.experts().forEach(this::add);
            }
            case FeedForwardConfig.Sum sum -> sum.branches().forEach(branch -> {
                add(branch.before());
                add(branch.network());
                add(branch.after());
            });
        }
    }

    private void add(TokenInputConfig input) {
        add(input.gate(), WeightRole.MATRIX);
        add(input.projection(), WeightRole.MATRIX);
        add(input.norm());
    }

    private void add(LayerEmbeddingConfig embedding) {
        add(embedding.tokens(), WeightRole.TABLE);
        add(embedding.projection(), WeightRole.MATRIX);
        add(embedding.norm());
    }

    private void add(FeedForwardConfig.Mlp mlp) {
        mlp.gate().ifPresent(gate -> add(gate, WeightRole.MATRIX));
        add(mlp.up(), WeightRole.MATRIX);
        add(mlp.down(), WeightRole.MATRIX);
    }

    private void add(Projection projection, WeightRole role) {
        add(projection.weight(), role);
        projection.bias().ifPresent(bias -> add(bias, WeightRole.VECTOR));
    }

    private void add(Optional<NormConfig> norm) {
        norm.ifPresent(this::add);
    }

    private void add(NormConfig norm) {
        norm.weight().ifPresent(weight -> add(weight, WeightRole.VECTOR));
        norm.bias().ifPresent(bias -> add(bias, WeightRole.VECTOR));
    }

    private void add(TensorPart part, WeightRole role) {
        roles.put(part, role);
    }
}
