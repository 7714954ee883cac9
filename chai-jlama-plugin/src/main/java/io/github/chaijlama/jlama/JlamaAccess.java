// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Consumer;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.CausalSelfAttention;
import com.github.tjake.jlama.model.LayerNorm;
import com.github.tjake.jlama.model.MLPBlock;
import com.github.tjake.jlama.model.MoEBlock;
import com.github.tjake.jlama.model.TransformerBlock;
import com.github.tjake.jlama.model.functions.FeedForward;
import com.github.tjake.jlama.model.functions.SampleOutput;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.operations.TensorOperations;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.model.ModelLoadException;

/**
 * All reflection on Jlama, in one place: the fields of a loaded model that attention needs and that Jlama keeps to
 * itself. Nothing final is ever written; blocks are exchanged as elements of the model's block array.
 *
 * <p>The fields are looked up together when the class is first used; {@link #requireCompatible()} refuses another Jlama
 * version at once and by name, before anything fails half way.
 */
final class JlamaAccess {
    /** The Jlama version this was written for. */
    private static final String TESTED_VERSION = "0.8.4";
    private static final MemberFinder FINDER = new MemberFinder(TESTED_VERSION);

    private static final VarHandle MODEL_BLOCKS = field(AbstractModel.class, "transformerBlocks",
            TransformerBlock[].class);
    private static final VarHandle MODEL_KV_CACHE = field(AbstractModel.class, "kvBufferCache", KvBufferCache.class);
    private static final VarHandle MODEL_OUTPUT = field(AbstractModel.class, "sampleOutput", SampleOutput.class);
    private static final VarHandle MODEL_WORKING_QTYPE = field(AbstractModel.class, "workingQType", DType.class);

    private static final MethodHandle MODEL_QUANTIZE = FINDER.method(AbstractModel.class, "maybeQuantize",
            MethodType.methodType(AbstractTensor.class, AbstractTensor.class));

    private static final VarHandle BLOCK_PRE_ATTENTION_NORM = optional(TransformerBlock.class, "preAttentionNorm");
    private static final VarHandle BLOCK_ATTENTION = field(TransformerBlock.class, "attention",
            CausalSelfAttention.class);
    private static final VarHandle BLOCK_POST_ATTENTION_NORM = optional(TransformerBlock.class, "postAttentionNorm");
    private static final VarHandle BLOCK_PRE_FF_NORM = optional(TransformerBlock.class, "preFFNorm");
    private static final VarHandle BLOCK_FF = field(TransformerBlock.class, "ffBlock", FeedForward.class);
    private static final VarHandle BLOCK_POST_FF_NORM = optional(TransformerBlock.class, "postFFNorm");
    private static final VarHandle BLOCK_PRE_RESPONSE_NORM = optional(TransformerBlock.class, "preResponseNorm");

    private static final VarHandle QUERY_BIAS = optional(CausalSelfAttention.class, "queryAttnBias");
    private static final VarHandle KEY_BIAS = optional(CausalSelfAttention.class, "keyAttnBias");
    private static final VarHandle VALUE_BIAS = optional(CausalSelfAttention.class, "valueAttnBias");
    private static final VarHandle OUTPUT_BIAS = optional(CausalSelfAttention.class, "outputProjectionBias");
    private static final VarHandle QUERY_WEIGHTS = tensor(CausalSelfAttention.class, "queryAttnWeights");
    private static final VarHandle KEY_WEIGHTS = tensor(CausalSelfAttention.class, "keyAttnWeights");
    private static final VarHandle VALUE_WEIGHTS = tensor(CausalSelfAttention.class, "valueAttnWeights");
    private static final VarHandle OUTPUT_WEIGHTS = tensor(CausalSelfAttention.class, "outputProjectionWeights");

    private static final VarHandle MLP_GATE = tensor(MLPBlock.class, "fullyConnectedWeights");
    private static final VarHandle MLP_GATE_BIAS = optional(MLPBlock.class, "fullyConnectedBias");
    private static final VarHandle MLP_DOWN = tensor(MLPBlock.class, "projectionWeights");
    private static final VarHandle MLP_DOWN_BIAS = optional(MLPBlock.class, "projectionBias");
    private static final VarHandle MLP_UP = tensor(MLPBlock.class, "upProjectionWeights");

    private static final VarHandle MOE_ROUTER = tensor(MoEBlock.class, "moeGateWeight");
    private static final VarHandle MOE_GATE = field(MoEBlock.class, "fullyConnectedWeights", AbstractTensor[].class);
    private static final VarHandle MOE_DOWN = field(MoEBlock.class, "projectionWeights", AbstractTensor[].class);
    private static final VarHandle MOE_UP = field(MoEBlock.class, "upProjectionWeights", AbstractTensor[].class);
    private static final VarHandle MOE_EXPERTS_PER_TOKEN = field(MoEBlock.class, "numberOfExpertsPerToken", int.class);

    private static final VarHandle NORM_WEIGHTS = tensor(LayerNorm.class, "weights");
    private static final VarHandle NORM_BIAS = tensor(LayerNorm.class, "bias");

    private JlamaAccess() {}

    /** The parts of a transformer block. */
    record BlockParts(Optional<LayerNorm> preAttentionNorm, CausalSelfAttention attention,
            Optional<LayerNorm> postAttentionNorm, Optional<LayerNorm> preFeedForwardNorm, FeedForward feedForward,
            Optional<LayerNorm> postFeedForwardNorm, Optional<LayerNorm> preResponseNorm) {}

    /** The weights of a layer's attention, {@code (rows, columns)} each, and its biases. */
    record AttentionWeights(AbstractTensor<?, ?> query, AbstractTensor<?, ?> key, AbstractTensor<?, ?> value,
            AbstractTensor<?, ?> output, Optional<AbstractTensor<?, ?>> queryBias,
            Optional<AbstractTensor<?, ?>> keyBias, Optional<AbstractTensor<?, ?>> valueBias,
            Optional<AbstractTensor<?, ?>> outputBias) {}

    /**
     * The weights of a layer's feed-forward network.
     *
     * @param up empty when the network is not gated
     */
    record MlpWeights(AbstractTensor<?, ?> gate, Optional<AbstractTensor<?, ?>> up, AbstractTensor<?, ?> down,
            Optional<AbstractTensor<?, ?>> gateBias, Optional<AbstractTensor<?, ?>> downBias) {}

    /**
     * The weights of a layer's mixture of experts; a matrix per expert.
     *
     * @param router          {@code (experts, hiddenSize)}
     * @param expertsPerToken how many experts a token uses
     */
    record MoeWeights(AbstractTensor<?, ?> router, AbstractTensor<?, ?>[] gate, AbstractTensor<?, ?>[] up,
            AbstractTensor<?, ?>[] down, int expertsPerToken) {}

    /** Returns the model's own array of blocks; an element may be replaced. */
    static TransformerBlock[] blocks(AbstractModel model) {
        // Jlama has no array where it has no layers.
        return Objects.requireNonNullElseGet((TransformerBlock[]) MODEL_BLOCKS.get(model),
                () -> new TransformerBlock[0]);
    }

    static KvBufferCache kvBufferCache(AbstractModel model) {
        return (KvBufferCache) MODEL_KV_CACHE.get(model);
    }

    static void setKvBufferCache(AbstractModel model, KvBufferCache cache) {
        MODEL_KV_CACHE.set(model, cache);
    }

    static SampleOutput sampleOutput(AbstractModel model) {
        return (SampleOutput) MODEL_OUTPUT.get(model);
    }

    static DType workingQuantizedType(AbstractModel model) {
        return (DType) MODEL_WORKING_QTYPE.get(model);
    }

    /** Returns a copy of a tensor in the type the model's matrix products take; the caller closes it. */
    static AbstractTensor<?, ?> quantize(AbstractModel model, AbstractTensor<?, ?> tensor) {
        return (AbstractTensor<?, ?>) Objects.requireNonNull(invoke(MODEL_QUANTIZE, model, tensor));
    }

    private static @Nullable Object invoke(MethodHandle method, Object receiver, AbstractTensor<?, ?> tensor) {
        try {
            return method.invoke(receiver, tensor);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    static BlockParts parts(TransformerBlock block) {
        return new BlockParts(norm(BLOCK_PRE_ATTENTION_NORM, block), (CausalSelfAttention) BLOCK_ATTENTION.get(block),
                norm(BLOCK_POST_ATTENTION_NORM, block), norm(BLOCK_PRE_FF_NORM, block),
                (FeedForward) BLOCK_FF.get(block), norm(BLOCK_POST_FF_NORM, block),
                norm(BLOCK_PRE_RESPONSE_NORM, block));
    }

    static AttentionWeights weights(CausalSelfAttention attention) {
        return new AttentionWeights(weight(QUERY_WEIGHTS, attention), weight(KEY_WEIGHTS, attention),
                weight(VALUE_WEIGHTS, attention), weight(OUTPUT_WEIGHTS, attention), bias(QUERY_BIAS, attention),
                bias(KEY_BIAS, attention), bias(VALUE_BIAS, attention), bias(OUTPUT_BIAS, attention));
    }

    static MlpWeights weights(MLPBlock mlp) {
        return new MlpWeights(weight(MLP_GATE, mlp), Optional.ofNullable(weight(MLP_UP, mlp)), weight(MLP_DOWN, mlp),
                bias(MLP_GATE_BIAS, mlp), bias(MLP_DOWN_BIAS, mlp));
    }

    static MoeWeights weights(MoEBlock moe) {
        return new MoeWeights(weight(MOE_ROUTER, moe), (AbstractTensor<?, ?>[]) MOE_GATE.get(moe),
                (AbstractTensor<?, ?>[]) MOE_UP.get(moe), (AbstractTensor<?, ?>[]) MOE_DOWN.get(moe),
                (int) MOE_EXPERTS_PER_TOKEN.get(moe));
    }

    static AbstractTensor<?, ?> normWeights(LayerNorm norm) {
        return weight(NORM_WEIGHTS, norm);
    }

    static AbstractTensor<?, ?> normBias(LayerNorm norm) {
        return weight(NORM_BIAS, norm);
    }

    @SuppressWarnings("unchecked")
    private static Optional<LayerNorm> norm(VarHandle field, TransformerBlock block) {
        return (Optional<LayerNorm>) field.get(block);
    }

    @SuppressWarnings("unchecked")
    private static Optional<AbstractTensor<?, ?>> bias(VarHandle field, Object owner) {
        return (Optional<AbstractTensor<?, ?>>) field.get(owner);
    }

    private static AbstractTensor<?, ?> weight(VarHandle field, Object owner) {
        return (AbstractTensor<?, ?>) field.get(owner);
    }

    /**
     * Returns what makes a weight known to operators before they multiply with it, which copies it to a GPU. Jlama has
     * the method from its development version on (commit 7b8ba42); what is returned for others does nothing.
     */
    static Consumer<AbstractTensor<?, ?>> registration(TensorOperations operations) {
        for (Class<?> owner : List.of(TensorOperations.class, operations.getClass())) {
            try {
                MethodHandle register = MethodHandles.publicLookup().findVirtual(owner, "registerModelTensor",
                        MethodType.methodType(void.class, AbstractTensor.class));
                return tensor -> invoke(register, operations, tensor);
            } catch (NoSuchMethodException | IllegalAccessException _) {
                // Not there: the next one, or an older Jlama.
            }
        }
        return _ -> {};
    }

    private static VarHandle optional(Class<?> owner, String name) {
        return field(owner, name, Optional.class);
    }

    private static VarHandle tensor(Class<?> owner, String name) {
        return field(owner, name, AbstractTensor.class);
    }

    private static VarHandle field(Class<?> owner, String name, Class<?> type) {
        return FINDER.field(owner, name, type);
    }

    /**
     * Checks that this Jlama has everything this class reaches for.
     *
     * @throws ModelLoadException if it has not
     */
    static void requireCompatible() {
        FINDER.requireAll(version());
    }

    /** Returns the version of the Jlama on the class path, as its jar states it. */
    static String version() {
        String properties = "/META-INF/maven/com.github.tjake/jlama-core/pom.properties";
        try (InputStream in = AbstractModel.class.getResourceAsStream(properties)) {
            Properties pom = new Properties();
            if (in != null) {
                pom.load(in);
            }
            return pom.getProperty("version", "of unknown version");
        } catch (IOException _) {
            return "of unknown version";
        }
    }
}
