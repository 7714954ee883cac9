// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.Objects;
import java.util.function.BooleanSupplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.jlama.LoadedModel;
import io.github.chaijlama.jlama.ModelConfig;
import io.github.chaijlama.jlama.ModelFingerprint;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * A Jlama model whose attention and key/value cache are this project's. Thread-safe: any number of sessions may run at
 * the same time, each with exact or clustered attention; their steps take turns, and their results are those of running
 * one after another.
 *
 * <pre>{@code
 * try (ChaiModel model = ChaiModel.load(directory, ChaiOptions.clustered(ClusterProfile.read(file)));
 *         ChaiSession session = model.newSession()) {
 *     float[] logits = session.feed(tokens);
 * }
 * }</pre>
 */
public final class ChaiModel implements AutoCloseable {
    private static final Logger logger = LoggerFactory.getLogger(ChaiModel.class);

    private final LoadedModel model;
    private final ChaiOptions options;
    private final Path directory;
    private String fingerprint;

    private ChaiModel(LoadedModel model, ChaiOptions options, Path directory) {
        this.model = model;
        this.options = options;
        this.directory = directory;
    }

    /**
     * Loads a model.
     *
     * @param directory a model in Hugging Face layout: config.json and safetensors
     * @throws io.github.chaijlama.jlama.ModelLoadException  if the model is missing, broken, or not supported
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    public static ChaiModel load(Path directory, ChaiOptions options) {
        ClusterProfile profile = options.profile();
        if (profile != null) {
            // Before the weights are read: a mistake should not cost the time to load a model.
            profile.requireFits(LoadedModel.readConfig(directory).shape());
            profile.requireMadeFor(() -> ModelFingerprint.of(directory));
        }
        boolean quantize = options.weights() == WeightType.Q4;
        LoadedModel model = options.attention() == AttentionMode.STOCK
                ? LoadedModel.loadStock(directory, quantize, options.threads())
                : LoadedModel.loadSwapped(directory, options.kvCacheMaxBytes(), quantize, options.threads());
        logger.info("Attention: {}, clusters per layer: {}, keys and values: {}, kernels: {}, threads: {}",
                options.attention(),
                profile == null ? "none" : profile.clusters(), options.kvCacheType(),
                KernelProvider.get().description(), options.threads());
        return new ChaiModel(model, options, directory);
    }

    /** Starts a session with the attention of the options. */
    public ChaiSession newSession() {
        return newSession(options.attention());
    }

    /**
     * Starts a session.
     *
     * @param attention exact, or clustered by the profile of the options; a model loaded as {@link AttentionMode#STOCK}
     *                  has only that
     * @throws IllegalArgumentException if this model cannot run that attention
     */
    public ChaiSession newSession(AttentionMode attention) {
        if ((attention == AttentionMode.STOCK) != (options.attention() == AttentionMode.STOCK)) {
            throw new IllegalArgumentException(
                    "a model loaded for " + options.attention() + " attention cannot run a " + attention + " session");
        }
        if (attention == AttentionMode.CLUSTERED) {
            if (options.profile() == null) {
                throw new IllegalArgumentException(
                        "a clustered session needs a cluster profile; this model was loaded without");
            }
            return newSession(options.profile(), options.kvCacheType());
        }
        return new ChaiSession(model.newSequence(null, options.kvCacheType()), config(), attention);
    }

    /**
     * Starts a session with clusters of another profile, or with keys and values of another type.
     *
     * @param profile null for exact attention
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    public ChaiSession newSession(ClusterProfile profile, KvType kvCacheType) {
        Objects.requireNonNull(kvCacheType, "kvCacheType");
        if (profile != null) {
            profile.requireFits(config().shape());
            profile.requireMadeFor(this::fingerprint);
        }
        return new ChaiSession(model.newSequence(profile, kvCacheType), config(),
                profile != null ? AttentionMode.CLUSTERED
                        : options.attention() == AttentionMode.STOCK ? AttentionMode.STOCK : AttentionMode.EXACT);
    }

    /**
     * Starts a session with clusters of another profile.
     *
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    public ChaiSession newSession(ClusterProfile profile) {
        return newSession(Objects.requireNonNull(profile, "profile"), options.kvCacheType());
    }

    /** Returns what the model's config.json says. */
    public ModelConfig config() {
        return model.config();
    }

    /**
     * Returns what tells this model from others of its shape, see {@link ModelFingerprint}.
     *
     * @throws io.github.chaijlama.jlama.ModelLoadException if the model's files are gone since it was loaded
     */
    public synchronized String fingerprint() {
        if (fingerprint == null) {
            fingerprint = ModelFingerprint.of(directory);
        }
        return fingerprint;
    }

    /** Returns how the model was loaded. */
    public ChaiOptions options() {
        return options;
    }

    /** Returns the number of weights. */
    public long numberOfParameters() {
        return model.numberOfParameters();
    }

    /** Returns the bytes of all weights in memory: those of the files, or what they were converted to. */
    public long weightBytes() {
        return model.weightBytes();
    }

    /** Returns the type most weights have in memory, for instance {@code BF16}. */
    public String weightType() {
        return model.weightType();
    }

    /** Returns the name of the operators that do the matrix products. */
    public String operators() {
        return model.operators();
    }

    /**
     * Returns the bytes that open sessions hold for keys and values, those included that a {@link
     * io.github.chaijlama.prefix.PrefixCache} keeps for later requests, -1 if that is not known (Jlama's own cache).
     */
    public long kvCacheAllocatedBytes() {
        return model.kvCacheAllocatedBytes();
    }

    /**
     * Sets what is asked for memory before a session fails with a {@link io.github.chaijlama.kv.KvCacheFullException}:
     * it closes sessions that nobody needs now, one or more, and says whether there was one. It is called on the thread
     * of the session that needs memory, again until there is enough. There is one for a model, the last that was set.
     */
    public void reclaimFrom(BooleanSupplier reclaimer) {
        model.reclaimFrom(Objects.requireNonNull(reclaimer, "reclaimer"));
    }

    /** Waits for a running step, then frees everything; sessions that are still open cannot be fed any more. */
    @Override
    public void close() {
        model.close();
    }
}
