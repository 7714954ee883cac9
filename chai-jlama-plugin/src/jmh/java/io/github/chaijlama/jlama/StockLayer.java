// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

import com.github.tjake.jlama.math.ActivationFunction;
import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.CausalSelfAttention;
import com.github.tjake.jlama.model.DistributedContext;
import com.github.tjake.jlama.safetensors.Config;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

import io.github.chaijlama.decoder.LayerArm;
import io.github.chaijlama.jlama.JlamaAccess.AttentionWeights;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.weight.StoredWeights;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightFormats;

/** Jlama's own attention. */
public final class StockLayer implements LayerArm {
    private final HeadLayout heads;
    private final StoredWeights weights;
    private final AbstractModel model;
    private final CausalSelfAttention attention;
    private final KvBufferCache cache;
    private final List<KvBuffer> sequences;
    private final FloatBufferTensor row;

    /** Creates the attention of a model's first layer. */
    public StockLayer(Path directory, ModelConfig config, int numberOfSequences) {
        this.heads = config.heads(0);
        this.weights = StoredWeights.open(directory, config, new WorkerPool(1));
        EnumSet<WeightFormat> formats = EnumSet.of(WeightFormat.F32, WeightFormat.BF16);
        weights.prepare(new WeightFormats(formats, formats), (_, _) -> {});
        this.model = JlamaFamily.LLAMA.load(config, new JlamaWeightLoader(directory, weights, config, false),
                DType.F32);
        this.attention = attention(directory, config);
        this.cache = new KvBufferCache(model);
        this.sequences = Stream.generate(() -> cache.getKvBuffer(UUID.randomUUID())).limit(numberOfSequences)
                .toList();
        this.row = new FloatBufferTensor(1, heads.kvLength());
        row.set(3, 0, 0);
    }

    /** Jlama counts heads by the length of the rows that come in; it is told another one for that. */
    @SuppressWarnings({ "unchecked", "rawtypes" })
    private CausalSelfAttention attention(Path directory, ModelConfig config) {
        Config wide = new Config(config.contextLength(), heads.queryLength(), config.intermediateSize(),
                heads.numberOfHeads(), heads.numberOfKvHeads(), 1, 1e-5f, config.vocabularySize(), 1, List.of(2),
                ActivationFunction.Type.SILU, null, null);
        model.getConfig().setWorkingDirectory(directory.toFile());
        model.getConfig().setDistributedContext(DistributedContext.builder(wide).build());
        AttentionWeights own = JlamaAccess.weights(JlamaAccess.parts(JlamaAccess.blocks(model)[0]).attention());
        Optional<AbstractTensor> none = Optional.empty();
        return new CausalSelfAttention(model, 0, none, none, none, own.query(), own.key(), own.value(), none,
                own.output());
    }

    @Override
    public void run(int sequence, int position, Rows rows, Rows out) {
        try (AbstractTensor<?, ?> result = attention.forward(JlamaTensors.of(rows), position,
                sequences.get(sequence), Optional.empty())) {
            out.memory().copyFrom(result.getMemorySegment().asSlice(0, out.memory().byteSize()));
        }
    }

    /**
     * Copies a row into Jlama's own cache as the key and the value of each of the first positions, as its attention
     * does.
     */
    public float copyRows(int sequence, int tokens) {
        KvBuffer buffer = sequences.get(sequence);
        float last = 0;
        for (int position = 0; position < tokens; position++) {
            AbstractTensor<?, ?> key = buffer.getKeyTensorForPosition(0, position);
            AbstractTensor<?, ?> value = buffer.getValTensorForPosition(0, position);
            key.copyFrom(row, 0, key.getOffset(0, 0), heads.kvLength());
            value.copyFrom(row, 0, value.getOffset(0, 0), heads.kvLength());
            last = value.get(0, 0);
        }
        return last;
    }

    @Override
    public int numberOfClusters(int sequence) {
        return heads.numberOfHeads();
    }

    @Override
    public void close() {
        cache.close();
        model.close();
        weights.close();
    }
}
