// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.Optional;

/** Reads gated networks: {@code down(activation(gate(x)) * up(x))}. */
final class GatedMlp {
    private GatedMlp() {}

    /** Returns Llama's network. */
    static FeedForwardConfig.Mlp read(LayerSite site, Activation activation) {
        return read(site, "mlp.", List.of("gate_proj", "up_proj", "down_proj"), intermediateSize(site.config()),
                site.config().flag("mlp_bias", false), activation);
    }

    /** Returns the network whose gate and up are rows of one matrix, in this order. */
    static FeedForwardConfig.Mlp fused(LayerSite site, Activation activation) {
        int size = intermediateSize(site.config());
        String mlp = site.prefix() + "mlp.";
        Projection both = Projection.named(mlp + "gate_up_proj", 2 * size, site.hiddenSize(), false);
        return new FeedForwardConfig.Mlp(activation, Optional.of(both.rows(0, size)), both.rows(size, size),
                Projection.named(mlp + "down_proj", site.hiddenSize(), size, false));
    }

    /**
     * Returns a network.
     *
     * @param prefix of its names, behind the layer's
     * @param names  of its matrices: gate, up, down
     * @param size   values of a row inside it
     */
    static FeedForwardConfig.Mlp read(LayerSite site, String prefix, List<String> names, int size, boolean biased,
            Activation activation) {
        String mlp = site.prefix() + prefix;
        return new FeedForwardConfig.Mlp(activation,
                Optional.of(Projection.named(mlp + names.get(0), size, site.hiddenSize(), biased)),
                Projection.named(mlp + names.get(1), size, site.hiddenSize(), biased),
                Projection.named(mlp + names.get(2), site.hiddenSize(), size, biased));
    }

    static int intermediateSize(ConfigValues config) {
        return config.vectorLength("intermediate_size", config.size("intermediate_size"));
    }
}
