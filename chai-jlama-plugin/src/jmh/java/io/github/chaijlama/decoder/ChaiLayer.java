// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import io.github.chaijlama.attention.AttentionPart;
import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.attention.ModelAttention;
import io.github.chaijlama.attention.RotaryEmbedding;
import io.github.chaijlama.attention.SequenceRows;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.Rotary;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.KernelProducts;
import io.github.chaijlama.product.MatrixProducts;
import io.github.chaijlama.product.ProductKernels;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.weight.StoredWeights;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightFormats;

/** The attention of this project: what {@link DecoderLayer} does between its norms. */
final class ChaiLayer implements LayerArm {
    private static final long BUDGET = 4L << 30;

    private final HeadLayout heads;
    private final StoredWeights weights;
    private final WorkerPool workers;
    private final PagePool pool;
    private final StepScratch scratch = new StepScratch();
    private final MatrixProducts products;
    private final ModelAttention attention;
    private final RotaryEmbedding rotary;
    private final DecoderLayer layer;
    private final List<AttentionSequence> sequences;

    ChaiLayer(Path directory, ModelConfig config, ClusterProfile profile, KvType type, int numberOfSequences) {
        this.heads = config.heads(0);
        this.workers = new WorkerPool(Runtime.getRuntime().availableProcessors());
        this.weights = StoredWeights.open(directory, config, workers);
        this.products = new KernelProducts(ProductKernels.ofThisMachine(), workers);
        weights.prepare(new WeightFormats(products.formats(), EnumSet.allOf(WeightFormat.class)), (_, _) -> {});
        this.attention = new ModelAttention(List.of(config.layer(0).attention()), KernelProvider.get(), workers);
        this.pool = attention.newPool(new KvBudget(BUDGET));
        Rotary kind = config.layer(0).attention().rotary().orElseThrow();
        this.rotary = new RotaryEmbedding(config.contextLength(), kind, heads.headSize(), KernelProvider.get());
        this.layer = new DecoderLayer(0, config.layer(0), weights, attention.layer(0), Optional.of(rotary),
                new StepTools(products, KernelProvider.rows(), workers, scratch));
        this.sequences = Stream.generate(() -> attention.newSequence(profile, pool, type))
                .limit(numberOfSequences).toList();
    }

    @Override
    public void run(int sequence, int position, Rows rows, Rows out) {
        AttentionSequence state = sequences.get(sequence);
        if (position < state.length()) {
            state.truncate(position);
        }
        state.beginStep(rows.count());
        List<SequenceRows> step = List.of(new SequenceRows(state, 0, rows.count(), position));
        Rows queries = scratch.queries.rows(rows.count(), heads.queryLength());
        Rows keys = scratch.keys.rows(rows.count(), heads.kvLength());
        Rows values = scratch.values.rows(rows.count(), heads.kvLength());
        Rows attended = scratch.attended.rows(rows.count(), heads.queryLength());
        for (int row = 0; row < rows.count();) {
            AttentionPart part = attention.layer(0).part(step, 0, row);
            layer.project(part, rows, queries, keys, values);
            layer.normAndRotate(part, queries, keys, values);
            layer.attend(part, queries, keys, values, attended);
            row += part.rows();
        }
        layer.output(attended, out);
        state.endStep();
    }

    @Override
    public int numberOfClusters(int sequence) {
        return sequences.get(sequence).clusters(0).numberOfClusters();
    }

    @Override
    public void close() {
        sequences.forEach(AttentionSequence::close);
        rotary.close();
        attention.close();
        scratch.close();
        pool.close();
        products.close();
        workers.close();
        weights.close();
    }
}
