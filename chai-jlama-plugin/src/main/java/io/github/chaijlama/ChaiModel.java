// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.decoder.Decoder;
import io.github.chaijlama.decoder.LayerStack;
import io.github.chaijlama.decoder.StepClock;
import io.github.chaijlama.decoder.TimedProducts;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.safetensors.ModelFingerprint;
import io.github.chaijlama.weight.ConversionProgress;
import io.github.chaijlama.weight.LoggedConversion;
import io.github.chaijlama.weight.StoredTensors;
import io.github.chaijlama.weight.StoredWeights;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightFormats;

/**
 * A model with clustered attention and a key/value cache under a budget.
 * Thread-safe: any number of sessions may run at the same time, each with exact or clustered attention; their steps
 * take turns, and their results are those of running one after another.
 *
 * <pre>{@code
 * try (ChaiModel model = ChaiModel.load(directory, ChaiOptions.clustered(ClusterProfile.read(file)));
 *         ChaiSession session = model.newSession()) {
 *     float[] logits = session.feed(tokens);
 * }
 * }</pre>
 */
public final class ChaiModel implements TokenModel {
    private static final Logger logger = LoggerFactory.getLogger(ChaiModel.class);

    private final Decoder decoder;
    private final StoredWeights weights;
    private final WorkerPool workers;
    private final boolean ownsWorkers;
    private final MatrixProducts products;
    private final ChaiOptions options;
    private final Path directory;
    private final ClusterProfile exact;
    private Optional<String> fingerprint = Optional.empty();
    private volatile BooleanSupplier firstReclaimer = () -> false;
    private volatile BooleanSupplier lastReclaimer = () -> false;

    private ChaiModel(Decoder decoder, StoredWeights weights, WorkerPool workers, boolean ownsWorkers,
            MatrixProducts products, ChaiOptions options, Path directory) {
        this.decoder = decoder;
        this.weights = weights;
        this.workers = workers;
        this.ownsWorkers = ownsWorkers;
        this.products = products;
        this.options = options;
        this.directory = directory;
        this.exact = ClusterProfile.exact(decoder.config().shape());
    }

    /**
     * Loads a model.
     *
     * @param directory a model in Hugging Face layout: config.json and safetensors
     * @param options   exact or clustered attention
     * @throws io.github.chaijlama.model.ModelLoadException if the model is missing, broken, or not supported
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    public static ChaiModel load(Path directory, ChaiOptions options) {
        return load(directory, options, new LoggedConversion());
    }

    /**
     * Loads a model as {@link #load(Path, ChaiOptions)} does, and tells how far it is.
     *
     * @param progress told while weights are converted, if any are; without one it is logged
     */
    public static ChaiModel load(Path directory, ChaiOptions options, ConversionProgress progress) {
        return load(directory, ModelConfig.read(directory), options, Optional.empty(), progress);
    }

    /**
     * Loads a model as {@link #load(Path, ChaiOptions)} does, that has its threads and the budget for keys and values
     * together with others.
     *
     * @param options threads and the budget are those of what is shared, whatever they say
     * @param shared  stays open when the model is closed
     */
    public static ChaiModel load(Path directory, ChaiOptions options, SharedResources shared) {
        return load(directory, ModelConfig.read(directory), options, Optional.empty(), new LoggedConversion(),
                Optional.of(shared));
    }

    /** Loads a model as {@link #load(Path, ChaiOptions)} does, whose steps are timed. */
    public static ChaiModel load(Path directory, ChaiOptions options, StepClock clock) {
        return load(directory, ModelConfig.read(directory), options, Optional.of(clock), new LoggedConversion());
    }

    /**
     * Loads a model.
     *
     * @param described what its config.json says
     */
    static ChaiModel load(Path directory, ModelConfig described, ChaiOptions options, Optional<StepClock> clock,
            ConversionProgress progress) {
        return load(directory, described, options, clock, progress, Optional.empty());
    }

    private static ChaiModel load(Path directory, ModelConfig described, ChaiOptions asked, Optional<StepClock> clock,
            ConversionProgress progress, Optional<SharedResources> shared) {
        ChaiOptions options = shared.map(together -> asked.with(change -> change.threads(together.threads())
                .kvCacheMaxBytes(together.kvBudget().maxBytes()))).orElse(asked);
        if (options.attention() == AttentionMode.STOCK) {
            throw new IllegalArgumentException("Jlama's own attention is that of a StockModel");
        }
        // Before the weights are read: a mistake should not cost the time to load a model.
        options.profile().ifPresent(profile -> {
            profile.requireFits(described.shape());
            profile.requireMadeFor(() -> ModelFingerprint.of(directory));
        });
        ModelConfig config = StoredTensors.asStored(directory, described);
        KvBudget budget = shared.map(SharedResources::kvBudget)
                .orElseGet(() -> new KvBudget(options.kvCacheMaxBytes()));
        WorkerPool workers = shared.map(SharedResources::workers)
                .orElseGet(() -> new WorkerPool(options.threads()));
        Optional<StoredWeights> mapped = Optional.empty();
        Optional<MatrixProducts> opened = Optional.empty();
        try {
            StoredWeights weights = StoredWeights.open(directory, config, workers);
            mapped = Optional.of(weights);
            // Only now is it certain that the model is as large as its configuration says.
            LayerStack.requireRoomForOneToken(config, options.kvCacheMaxBytes());
            MatrixProducts products = OperatorChoice.create(options.operators(), workers);
            opened = Optional.of(products);
            weights.prepare(new WeightFormats(products.formats(), EnumSet.allOf(WeightFormat.class),
                    options.weights().quantized()), progress);
            MatrixProducts used = clock.<MatrixProducts>map(present -> new TimedProducts(products, present))
                    .orElse(products);
            Decoder decoder = new Decoder(config, weights, used, workers, budget, clock);
            logger.info("Loaded {} from {}: {} parameters in {}, context {}, operators: {}", config.shape(), directory,
                    weights.numberOfParameters(), weights.mostUsedFormat(), config.contextLength(),
                    products.description());
            logger.info("Attention: {}, clusters per layer: {}, keys and values: {}, kernels: {}, threads: {}",
                    options.attention(),
                    options.profile().map(profile -> profile.clusters().toString()).orElse("none"),
                    options.kvCacheType(), KernelProvider.get().description(), options.threads());
            config.quantization().remarks().forEach(remark -> logger.info("{}: {}", directory, remark));
            return new ChaiModel(decoder, weights, workers, shared.isEmpty(), products, options, directory);
        } catch (RuntimeException | Error e) {
            opened.ifPresent(MatrixProducts::close);
            if (shared.isEmpty()) {
                workers.close();
            }
            mapped.ifPresent(StoredWeights::close);
            throw e;
        }
    }

    @Override
    public ChaiSession newSession() {
        return newSession(options.attention());
    }

    /**
     * Starts a session.
     *
     * @param attention exact, or clustered by the profile of the options
     * @throws IllegalArgumentException if this model cannot run that attention
     */
    public ChaiSession newSession(AttentionMode attention) {
        ClusterProfile profile = switch (attention) {
            case EXACT -> exact;
            case CLUSTERED -> options.profile().orElseThrow(() -> new IllegalArgumentException(
                    "a clustered session needs a cluster profile; this model was loaded without"));
            case STOCK -> throw new IllegalArgumentException(
                    "a model loaded for " + options.attention() + " attention cannot run a STOCK session");
        };
        return new ChaiSession(decoder, profile, options.kvCacheType());
    }

    /**
     * Starts a session with clusters of another profile.
     *
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    public ChaiSession newSession(ClusterProfile profile) {
        return newSession(profile, options.kvCacheType());
    }

    /**
     * Starts a session with clusters of another profile, and with keys and values of another type.
     *
     * @param profile {@link ClusterProfile#exact} for exact attention
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    public ChaiSession newSession(ClusterProfile profile, KvType kvCacheType) {
        profile.requireFits(config().shape());
        profile.requireMadeFor(this::fingerprint);
        return new ChaiSession(decoder, profile, Objects.requireNonNull(kvCacheType, "kvCacheType"));
    }

    /**
     * Takes the next tokens of several sessions through the model in one step, which reads the weights once for all.
     * Each session is as if it were fed alone, by the thread that calls this.
     *
     * @param runs each of another session
     * @return the logits that were asked for, in the order of the runs, {@code (vocabularySize)} each; not checked to
     *         be finite
     * @throws ContextLengthException                      if the tokens of a run do not fit into the context
     * @throws io.github.chaijlama.kv.KvCacheFullException if keys and values do not fit into the budget; no session has
     *                                                     changed then
     * @throws IllegalArgumentException                    if a run has no token, or one outside the vocabulary
     */
    public float[][] step(List<SessionRun> runs) {
        for (SessionRun run : runs) {
            SessionChecks.requireFeedable(config(), run.session().length(),
                    Arrays.copyOfRange(run.tokens(), run.from(), run.from() + run.count()));
        }
        return decoder.step(runs.stream().map(run -> run.session().toStep(run)).toList());
    }

    /**
     * Checks tokens before they are fed.
     *
     * @throws IllegalArgumentException if one is outside the vocabulary
     */
    public void requireTokens(int... tokens) {
        SessionChecks.requireTokens(config(), tokens);
    }

    @Override
    public ModelConfig config() {
        return decoder.config();
    }

    /**
     * Returns what tells this model from others of its shape, see {@link ModelFingerprint}.
     *
     * @throws io.github.chaijlama.model.ModelLoadException if the model's files are gone since it was loaded
     */
    public synchronized String fingerprint() {
        if (fingerprint.isEmpty()) {
            fingerprint = Optional.of(ModelFingerprint.of(directory));
        }
        return fingerprint.get();
    }

    /** Returns the matrix of a layer's output projection, {@code (hiddenSize, head * headSize)}; valid until close. */
    public Weight outputProjection(int layer) {
        return decoder.outputProjection(layer);
    }

    @Override
    public ChaiOptions options() {
        return options;
    }

    @Override
    public long numberOfParameters() {
        return weights.numberOfParameters();
    }

    @Override
    public long weightBytes() {
        return weights.bytes();
    }

    @Override
    public String weightType() {
        return weights.mostUsedFormat().name();
    }

    @Override
    public String operators() {
        return products.description();
    }

    /**
     * Returns the bytes that open sessions hold for keys and values, those included that a
     * {@link io.github.chaijlama.prefix.PrefixCache} keeps for later requests.
     */
    public long kvCacheAllocatedBytes() {
        return decoder.pool().allocatedBytes();
    }

    /** Returns what keys and values may take, of this model or of several together. */
    public KvBudget kvBudget() {
        return decoder.pool().budget();
    }

    /** Gives memory back that no session has and that is kept for the next one; false if there is none. */
    public boolean trimKvCache() {
        return decoder.pool().trim();
    }

    /** Returns the budget for keys and values in bytes, whole pages. */
    public long kvCacheMaxBytes() {
        return decoder.pool().maxBytes();
    }

    /**
     * Returns how many tokens' keys, or values, of one head a page of memory holds; of the largest heads, where layers
     * differ.
     */
    public int kvCachePageTokens() {
        return config().storedHeads().stream().mapToInt(this::pageTokens).min().orElseThrow();
    }

    /**
     * Returns how many pages of {@link #kvCachePageTokens} tokens the budget holds for the keys, and as many for the
     * values, of each head of all layers.
     */
    public long kvCachePagesPerHead() {
        int tokens = kvCachePageTokens();
        double pages = config().storedHeads().stream()
                .mapToDouble(heads -> 2.0 * heads.numberOfKvHeads() * tokens / pageTokens(heads)).sum();
        long ofBudget = kvCacheMaxBytes() / decoder.pool().pageBytes();
        return (long) (ofBudget / pages);
    }

    private int pageTokens(HeadLayout heads) {
        return decoder.pool().pageBytes() / options.kvCacheType().rowBytes(heads.headSize());
    }

    /**
     * Returns the bytes of memory that would be free if some sessions were closed: of pages that no other session has.
     *
     * @param sessions none of them is fed, cut or closed meanwhile
     */
    public long kvCacheBytesOnlyOf(List<ChaiSession> sessions) {
        return decoder.pool().bytesOnlyOf(sessions.stream().flatMap(ChaiSession::pages));
    }

    /**
     * Sets what is asked for memory before a session fails with a {@link io.github.chaijlama.kv.KvCacheFullException}:
     * it closes sessions that nobody needs now, one or more, and says whether there was one. It is called on the thread
     * of the session that needs memory, again until there is enough. There is one for a model, the last that was set.
     */
    public void reclaimFrom(BooleanSupplier reclaimer) {
        lastReclaimer = Objects.requireNonNull(reclaimer, "reclaimer");
        decoder.pool().reclaimFrom(this::reclaim);
    }

    /**
     * Sets what is asked for memory before that of {@link #reclaimFrom}, in the same way: for sessions that are of less
     * use still.
     */
    public void reclaimFirstFrom(BooleanSupplier reclaimer) {
        firstReclaimer = Objects.requireNonNull(reclaimer, "reclaimer");
        decoder.pool().reclaimFrom(this::reclaim);
    }

    /** Asks what {@link #reclaimFirstFrom} has set to give memory back; false if there is none. */
    public boolean reclaimFirst() {
        return firstReclaimer.getAsBoolean();
    }

    private boolean reclaim() {
        return reclaimFirst() || lastReclaimer.getAsBoolean();
    }

    @Override
    public void close() {
        decoder.close();
        products.close();
        if (ownsWorkers) {
            workers.close();
        }
        weights.close();
    }
}
