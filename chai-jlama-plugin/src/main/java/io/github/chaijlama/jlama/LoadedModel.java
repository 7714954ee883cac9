// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.attention.RotaryScaling;
import io.github.chaijlama.kv.KvStore;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * A model directory loaded into Jlama. Whatever was opened for it is closed with it: mapped files, threads, memory.
 */
public abstract sealed class LoadedModel implements AutoCloseable permits SwappedModel, StockModel {
    private static final Logger logger = LoggerFactory.getLogger(LoadedModel.class);

    /** An array of two floats, a reference to it, and the float it is made from. */
    private static final int BYTES_OF_ANGLE = 32;

    private final Opened opened;

    LoadedModel(Opened opened) {
        this.opened = opened;
    }

    /** What every load opens. */
    record Opened(ModelConfig config, SafetensorsWeights weights, AbstractModel model, WorkerPool workers) {}

    /**
     * Loads a model and exchanges its attention.
     *
     * @param directory  Hugging Face layout: config.json and safetensors
     * @param maxKvBytes budget for keys and values of all sequences, in bytes
     * @param quantize   whether the matrices of layers and output become Q4
     * @param threads    threads that share the work of a step
     * @throws ModelLoadException                                 if the model is missing, broken, or not supported
     * @throws io.github.chaijlama.kv.KvCacheTooSmallException if the budget does not hold a single token
     */
    public static LoadedModel loadSwapped(Path directory, long maxKvBytes, boolean quantize, int threads) {
        Opened opened = open(directory, ConfigReader.read(directory), OptionalLong.of(maxKvBytes), quantize, threads);
        try {
            return new SwappedModel(opened, maxKvBytes);
        } catch (RuntimeException | Error e) {
            close(opened);
            throw e;
        }
    }

    /**
     * Loads a model and leaves its layers as Jlama made them, for comparison: attention, key/value cache and
     * feed-forward network. Weights have the same types as in {@link #loadSwapped}. Jlama's cache works on files; they
     * are made in a directory of their own and deleted.
     *
     * @param quantize whether the matrices of layers and output become Q4
     * @throws ModelLoadException if the model is missing, broken, or not supported
     */
    public static LoadedModel loadStock(Path directory, boolean quantize, int threads) {
        ModelConfig config = ConfigReader.read(directory);
        refuseWhatStockComputesWrongly(directory, config);
        // Jlama knows no sliding windows: as far as the shortest reaches they make no difference.
        int window = config.shortestWindow();
        ModelConfig usable = window == 0 || window >= config.contextLength() ? config
                : config.withContextLength(window);
        requireRoomForAngles(usable);
        Opened opened = open(directory, usable, OptionalLong.empty(), quantize, threads);
        try {
            return new StockModel(opened);
        } catch (RuntimeException | Error e) {
            close(opened);
            throw e;
        }
    }

    private static void refuseWhatStockComputesWrongly(Path directory, ModelConfig config) {
        String reason = null;
        if (config.heads().queryLength() != config.hiddenSize()) {
            reason = "heads whose sizes add up to " + config.heads().queryLength() + " and not to hidden_size "
                    + config.hiddenSize();
        } else if (config.rotary() != null && !(config.rotary().scaling() instanceof RotaryScaling.None
                || config.rotary().scaling() instanceof RotaryScaling.Linear
                || config.rotary().scaling() instanceof RotaryScaling.Dynamic)) {
            reason = "rotary scaling '" + config.rotary().scaling().kind() + "'";
        } else if (config.experts() > 0) {
            reason = "a mixture of experts";
        }
        if (reason != null) {
            throw new ModelLoadException(
                    "Jlama 0.8.4's own attention and layers compute " + reason + " wrongly: " + directory);
        }
    }

    /**
     * Jlama's attention makes an object for every pair of values of every position, whether or not the position is
     * used.
     */
    private static void requireRoomForAngles(ModelConfig config) {
        long bytes = (long) config.contextLength() * config.heads().headSize() / 2 * BYTES_OF_ANGLE;
        long limit = Runtime.getRuntime().maxMemory() / 2;
        if (bytes > limit) {
            throw new ModelLoadException(
                    "Jlama's own attention needs about " + bytes + " bytes of heap for the angles of "
                            + config.contextLength() + " positions, expected at most half of the heap, " + limit);
        }
    }

    /** Returns the version of the Jlama on the class path, as its jar states it. */
    public static String jlamaVersion() {
        return JlamaAccess.version();
    }

    /** Reads the configuration of a model without loading it. */
    public static ModelConfig readConfig(Path directory) {
        return ConfigReader.read(directory);
    }

    /**
     * Opens a model.
     *
     * @param maxKvBytes budget for keys and values, empty where Jlama's own cache is used, with Jlama's own attention
     */
    private static Opened open(Path directory, ModelConfig config, OptionalLong maxKvBytes, boolean quantize,
            int threads) {
        boolean stock = maxKvBytes.isEmpty();
        JlamaAccess.requireCompatible();
        SafetensorsWeights weights = SafetensorsWeights.open(directory);
        try {
            weights.stripPrefix(config.family().weightPrefix());
            if (config.tiedEmbeddings()) {
                weights.hide(WeightTypes.OUTPUT);
            }
            config.family().requireWeights(config, weights);
            // Only now is it certain that the model is as large as its configuration says.
            maxKvBytes.ifPresent(bytes -> KvStore.requireRoomForOneToken(bytes, config.layers(),
                    config.heads().numberOfKvHeads(), config.heads().headSize()));
            weights.prepare(new WeightTypes(quantize, config.tiedEmbeddings(), stock, config.family()));
            if (weights.keeps(DType.Q4)) {
                MatrixProducts.requireOperators(DType.Q4);
            }
            // No type asked for: Jlama takes each weight as it gets it.
            AbstractModel model = config.family().load(config, stock, weights, Optional.empty());
            logger.info("Loaded {} from {}: {} parameters in {}, context {}, operators: {}", config.shape(), directory,
                    weights.numberOfParameters(), weights.mostUsedType(), config.contextLength(),
                    TensorOperationsProvider.get().name());
            return new Opened(config, weights, model, new WorkerPool(threads));
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    private static void close(Opened opened) {
        opened.model().close();
        opened.workers().close();
        opened.weights().close();
    }

    /** Returns what config.json says. */
    public final ModelConfig config() {
        return opened.config();
    }

    /** Returns the number of weights(). */
    public final long numberOfParameters() {
        return weights().numberOfParameters();
    }

    /** Returns the bytes of all weights(). */
    public final long weightBytes() {
        return weights().bytes();
    }

    /** Returns the type of most weights, for instance {@code BF16}. */
    public final String weightType() {
        return weights().mostUsedType().name();
    }

    /** Returns the name of the operators that do the matrix products. */
    public final String operators() {
        return TensorOperationsProvider.get().name();
    }

    /**
     * Starts an empty sequence.
     *
     * @param profile clusters per layer, checked to fit; null for exact attention
     * @param type    how keys and values are stored
     */
    public abstract ModelSequence newSequence(ClusterProfile profile, KvType type);

    /** Returns the bytes that sequences hold for keys and values now, -1 if that is not known (Jlama's own cache). */
    public abstract long kvCacheAllocatedBytes();

    /**
     * Sets what is asked to give memory of keys and values back before a sequence fails for lack of it; false if it has
     * none.
     */
    public abstract void reclaimFrom(BooleanSupplier reclaimer);

    /**
     * Reports where the time of every step goes from now on, to the end of the model. For measurements: costs about a
     * microsecond a layer, and more in a model with Jlama's own attention, see {@link StepClock}. Call it before
     * anything is fed, once.
     */
    public final void observe(StepClock clock) {
        TimedBlock.install(model(), clock);
        products().observe(clock::product);
    }

    /** Returns what calculates this project's matrix products. */
    abstract MatrixProducts products();

    /** Returns the matrix that turns rows into logits, {@code (vocabularySize, hiddenSize)}. */
    final AbstractTensor<?, ?> outputWeights() {
        return weights().load(config().tiedEmbeddings() ? config().family().embeddingName() : "lm_head.weight");
    }

    final AbstractModel model() {
        return opened.model();
    }

    final SafetensorsWeights weights() {
        return opened.weights();
    }

    final WorkerPool workers() {
        return opened.workers();
    }

    /** Waits for a running step, then closes everything. Sequences that are open become unusable. */
    @Override
    public void close() {
        close(opened);
    }
}
