// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.KvBufferCache.KvBuffer;

import io.github.chaijlama.decoder.OutputHead;
import io.github.chaijlama.decoder.StepClock;
import io.github.chaijlama.decoder.TimedProducts;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.Rotary;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts;
import io.github.chaijlama.weight.ConversionProgress;
import io.github.chaijlama.weight.StoredWeights;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightFormats;

/**
 * A model as Jlama computes it, with its own layers, attention and key/value cache, for comparison. Jlama's cache works
 * on files; they are made in a directory of their own and deleted. Thread-safe: steps take turns.
 */
public final class JlamaModel implements AutoCloseable {
    /** As many as Jlama takes at a time; of more it loses the memory of all results but the last. */
    private static final int MAX_BATCH = 256;
    /** An array of two floats, a reference to it, and the float it is made from. */
    private static final int BYTES_OF_ANGLE = 32;
    private static final Set<WeightFormat> MULTIPLIED = EnumSet.of(WeightFormat.F32, WeightFormat.BF16,
            WeightFormat.Q4);
    private static final Set<WeightFormat> LOOKED_UP = EnumSet.of(WeightFormat.F32, WeightFormat.BF16);

    private final ModelConfig config;
    private final StoredWeights weights;
    private final AbstractModel model;
    private final JlamaActivations activations;
    private final WorkerPool workers;
    private final JlamaProducts products;
    private final OutputHead output;
    private final Path pages;
    private final Thread deleteAtExit;
    /** Jlama keeps state of the running request in fields of its layers: one step at a time. */
    private final ReentrantLock lock = new ReentrantLock(true);
    private boolean closed;

    /**
     * How a model is loaded.
     *
     * @param quantized what the matrices of layers and output become, if they are quantized
     * @param eightBits whether Jlama is asked for 8-bit activations, of which it may make others, or for 32-bit ones
     * @param threads   threads of the product with the vocabulary; Jlama has its own for the rest
     */
    public record Settings(Optional<WeightFormat> quantized, boolean eightBits, int threads) {}

    private JlamaModel(ModelConfig config, StoredWeights weights, AbstractModel model, JlamaActivations activations,
            WorkerPool workers, Optional<StepClock> clock) {
        this.config = config;
        this.activations = activations;
        this.weights = weights;
        this.model = model;
        this.workers = workers;
        try {
            this.pages = Files.createTempDirectory("chai-stock");
        } catch (IOException e) {
            throw new ModelLoadException("no directory for Jlama's key/value pages can be made: " + e.getMessage(), e);
        }
        this.deleteAtExit = new Thread(this::deleteDirectory, "chai-stock-cleanup");
        this.products = new JlamaProducts(workers);
        try {
            model.getConfig().setWorkingDirectory(pages.toFile());
            MatrixProducts used = clock.<MatrixProducts>map(present -> new TimedProducts(products, present))
                    .orElse(products);
            this.output = OutputHead.of(config, weights, used, workers, clock);
            clock.ifPresent(present -> TimedBlock.install(model, present));
            Runtime.getRuntime().addShutdownHook(deleteAtExit);
        } catch (RuntimeException | Error e) {
            products.close();
            deleteDirectory();
            throw e;
        }
    }

    /**
     * Loads a model.
     *
     * @param directory Hugging Face layout: config.json and safetensors
     * @param clock     told how long everything takes, if anybody measures
     * @param progress  told while weights are converted
     * @throws ModelLoadException if the model is missing, broken, not supported, or computed wrongly by Jlama
     */
    public static JlamaModel load(Path directory, Settings settings, Optional<StepClock> clock,
            ConversionProgress progress) {
        ModelConfig config = ModelConfig.read(directory);
        JlamaFamily family = family(config, directory);
        NativeOperations.find(); // before Jlama looks for them
        // Jlama knows no sliding windows: as far as the shortest reaches they make no difference.
        int window = config.shortestWindow().orElse(config.contextLength());
        ModelConfig usable = config.withContextLength(Math.min(window, config.contextLength()));
        requireRoomForAngles(usable);
        JlamaAccess.requireCompatible();
        WorkerPool workers = new WorkerPool(settings.threads());
        Optional<StoredWeights> mapped = Optional.empty();
        try {
            StoredWeights weights = StoredWeights.open(directory, usable, workers);
            mapped = Optional.of(weights);
            requireThatJlamaCanMultiply(weights, settings, directory);
            weights.prepare(new WeightFormats(MULTIPLIED, LOOKED_UP, settings.quantized()), progress);
            JlamaWeightLoader loader = new JlamaWeightLoader(directory, weights, usable, settings.eightBits());
            AbstractModel model = family.load(usable, loader, settings.eightBits() ? DType.I8 : DType.F32);
            try {
                return new JlamaModel(usable, weights, model, activations(model, loader, directory), workers, clock);
            } catch (RuntimeException | Error e) {
                model.close();
                throw e;
            }
        } catch (RuntimeException | Error e) {
            workers.close();
            mapped.ifPresent(StoredWeights::close);
            throw e;
        }
    }

    /** The weights that 32-bit activations run with were converted for them; Jlama itself would not do that. */
    private static void requireThatJlamaCanMultiply(StoredWeights weights, Settings settings, Path directory) {
        if (settings.eightBits() && settings.quantized().isEmpty() && weights.stores(WeightFormat.I8)) {
            throw new ModelLoadException("Jlama 0.8.4 cannot multiply with I8 weights, and " + directory
                    + " has such; with 32-bit activations they are converted to F32");
        }
    }

    private static JlamaActivations activations(AbstractModel model, JlamaWeightLoader loader, Path directory) {
        JlamaActivations activations = JlamaActivations.of(model, loader.getModelDType());
        activations.impossible(model).ifPresent(what -> {
            throw new ModelLoadException("Jlama 0.8.4 cannot multiply " + what + ": " + directory);
        });
        return activations;
    }

    private static JlamaFamily family(ModelConfig config, Path directory) {
        try {
            return JlamaFamily.of(config);
        } catch (ModelLoadException e) {
            throw new ModelLoadException(e.getMessage() + ": " + directory, e);
        }
    }

    /** Jlama's attention makes an object for every pair of values of every position, whether or not it is used. */
    private static void requireRoomForAngles(ModelConfig config) {
        long bytes = (long) config.contextLength() * config.heads(0).headSize() / 2 * BYTES_OF_ANGLE;
        long limit = Runtime.getRuntime().maxMemory() / 2;
        Optional<Rotary> rotary = config.layer(0).attention().rotary();
        if (rotary.isPresent() && bytes > limit) {
            throw new ModelLoadException(
                    "Jlama's own attention needs about " + bytes + " bytes of heap for the angles of "
                            + config.contextLength() + " positions, expected at most half of the heap, " + limit);
        }
    }

    /** Returns the version of the Jlama on the class path, as its jar states it. */
    public static String version() {
        return JlamaAccess.version();
    }

    /** Returns what config.json says, its context cut where Jlama's attention would go wrong. */
    public ModelConfig config() {
        return config;
    }

    /** Returns the weights. */
    public StoredWeights weights() {
        return weights;
    }

    /** Returns in words what the layers multiply their weights with, and why. */
    public String activations() {
        return activations.description();
    }

    /** Whether the layers multiply their weights with 32-bit floats. */
    public boolean hasFloatActivations() {
        return activations.type() == DType.F32;
    }

    /** Returns the name of Jlama's operators. */
    public String operators() {
        return NativeOperations.find().name();
    }

    /** Starts an empty sequence. */
    public JlamaSequence newSequence() {
        return new JlamaSequence(this, UUID.randomUUID(), new KvBufferCache(model));
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                output.close();
                products.close();
                model.close();
                workers.close();
                weights.close();
                deleteDirectory();
                removeShutdownHook();
            }
        } finally {
            lock.unlock();
        }
    }

    private void removeShutdownHook() {
        try {
            Runtime.getRuntime().removeShutdownHook(deleteAtExit);
        } catch (IllegalStateException _) {
            // The JVM is ending; the hook finds nothing to do.
        }
    }

    private void deleteDirectory() {
        try {
            if (Files.exists(pages)) {
                deletePages("");
                Files.deleteIfExists(pages);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Deletes the page files whose names begin with a session's id. */
    private void deletePages(String session) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(pages, session + "*")) {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Runs tokens.
     *
     * @param position  position of the first one
     * @param allLogits whether the logits of every token are wanted, or of the last one
     */
    float[][] run(int[] tokens, int position, KvBuffer buffer, boolean allLogits) {
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the model is closed");
            }
            float[][] logits = new float[allLogits ? tokens.length : 1][];
            for (int from = 0; from < tokens.length; from += MAX_BATCH) {
                int[] batch = Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + MAX_BATCH));
                try (AbstractTensor<?, ?> tensor = model.batchForward(batch, position + from, buffer)) {
                    Rows rows = new Rows(tensor.getMemorySegment(), batch.length, config.hiddenSize());
                    if (allLogits) {
                        output.logits(rows, logits, from);
                    } else if (from + batch.length == tokens.length) {
                        output.logits(rows.rows(batch.length - 1, 1), logits, 0);
                    }
                }
            }
            return logits;
        } finally {
            lock.unlock();
        }
    }

    /** Ends a sequence and deletes its files. */
    void end(UUID session, KvBufferCache cache) {
        lock.lock();
        try {
            cache.close();
            if (!closed) {
                deletePages(session.toString());
            }
        } finally {
            lock.unlock();
        }
    }
}
