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
        add(attention.key(), WeightRole.MATRIX);
        add(attention.value(), WeightRole.MATRIX);
        add(attention.queryNorm());
        add(attention.keyNorm());
        attention.sinks().ifPresent(sinks -> add(sinks, WeightRole.VECTOR));
        add(attention.output(), WeightRole.MATRIX);
        add(layer.afterAttentionNorm());
        add(layer.feedForwardNorm());
        switch (layer.feedForward()) {
            case FeedForwardConfig.Mlp mlp -> add(mlp);
            case FeedForwardConfig.Experts experts -> {
                add(experts.router(), WeightRole.ROUTER);
                experts.experts().forEach(this::add);
            }
        }
        add(layer.afterFeedForwardNorm());
        add(layer.attentionSumNorm());
        add(layer.feedForwardSumNorm());
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
        add(norm.weight(), WeightRole.VECTOR);
        norm.bias().ifPresent(bias -> add(bias, WeightRole.VECTOR));
    }

    private void add(TensorPart part, WeightRole role) {
        roles.put(part, role);
    }
}
