// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import io.github.chaijlama.kernel.AttentionKernels;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvRows;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.model.AttentionConfig;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.model.KvConfig;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * The attention of a model: a {@link LayerAttention} for all layers whose heads are alike. What it says of a layer is
 * immutable; one pass runs at a time.
 */
public final class ModelAttention implements AutoCloseable {
    private final Map<HeadLayout, LayerAttention> kinds = new HashMap<>();
    private final List<LayerAttention> layers;
    private final List<LayerHeads> heads;

    /**
     * Creates the attention of a model.
     *
     * @param configs the attention of each layer, of as many query heads
     */
    public ModelAttention(List<AttentionConfig> configs, AttentionKernels kernels, WorkerPool workers) {
        this.layers = configs.stream().map(config -> kinds.computeIfAbsent(config.heads(),
                kind -> new LayerAttention(kind, kernels, workers))).toList();
        this.heads = heads(configs);
    }

    private static List<LayerHeads> heads(List<AttentionConfig> configs) {
        List<LayerHeads> heads = new ArrayList<>();
        for (int layer = 0; layer < configs.size(); layer++) {
            int own = layer;
            boolean shared = configs.stream().anyMatch(config -> config.kv().equals(new KvConfig.OfLayer(own)));
            HeadLayout layout = configs.get(layer).heads();
            heads.add(switch (configs.get(layer).kv()) {
                case KvConfig.Own _ -> new LayerHeads(layout, shared ? KeptKeys.ALL : KeptKeys.READ, own);
                case KvConfig.OfLayer(int source) -> new LayerHeads(layout, KeptKeys.NONE, source);
            });
        }
        return List.copyOf(heads);
    }

    /**
     * Checks a budget before a model is loaded for it.
     *
     * @throws io.github.chaijlama.kv.KvCacheTooSmallException if it does not hold a single token
     */
    public static void requireRoomForOneToken(List<AttentionConfig> configs, long maxKvBytes) {
        KvRows.requireRoomForOneToken(maxKvBytes, heads(configs).stream().map(LayerHeads::kvRows).toList());
    }

    /** Returns memory for the keys and values of sequences. */
    public PagePool newPool(KvBudget budget) {
        return new PagePool(budget, KvRows.pageBytes(heads.stream().map(LayerHeads::kvRows).toList()));
    }

    /** Returns the attention of a layer. */
    public LayerAttention layer(int layer) {
        return layers.get(layer);
    }

    /**
     * Starts an empty sequence.
     *
     * @param profile clusters per layer, checked to fit the model
     * @param pool    from {@link #newPool}
     * @param type    how keys and values are stored
     */
    public AttentionSequence newSequence(ClusterProfile profile, PagePool pool, KvType type) {
        return new AttentionSequence(heads, profile, pool, type);
    }

    @Override
    public void close() {
        kinds.values().forEach(LayerAttention::close);
    }
}
