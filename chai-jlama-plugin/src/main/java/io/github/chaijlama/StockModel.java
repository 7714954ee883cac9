// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.Optional;

import io.github.chaijlama.decoder.StepClock;
import io.github.chaijlama.jlama.JlamaModel;
import io.github.chaijlama.model.ModelConfig;

/**
 * A model with Jlama's own layers, attention and key/value cache, for comparison. Its context ends where a sliding
 * window would begin to matter, which Jlama does not know.
 */
public final class StockModel implements TokenModel {
    private final JlamaModel model;
    private final ChaiOptions options;

    private StockModel(JlamaModel model, ChaiOptions options) {
        this.model = model;
        this.options = options;
    }

    /**
     * Loads a model with 32-bit activations.
     *
     * @param directory a model in Hugging Face layout: config.json and safetensors
     * @param options   threads and type of weights
     * @throws io.github.chaijlama.model.ModelLoadException if the model is missing, broken, not supported, or computed
     *                                                      wrongly by Jlama
     */
    public static StockModel load(Path directory, ChaiOptions options) {
        return load(directory, options, StockActivations.F32);
    }

    /**
     * Loads a model.
     *
     * @throws io.github.chaijlama.model.ModelLoadException as {@link #load(Path, ChaiOptions)}, and if Jlama cannot
     *                                                      multiply the weights with what it chooses
     */
    public static StockModel load(Path directory, ChaiOptions options, StockActivations activations) {
        return load(directory, options, activations, Optional.empty());
    }

    /** Loads a model whose steps are timed. */
    public static StockModel load(Path directory, ChaiOptions options, StockActivations activations, StepClock clock) {
        return load(directory, options, activations, Optional.of(clock));
    }

    private static StockModel load(Path directory, ChaiOptions options, StockActivations activations,
            Optional<StepClock> clock) {
        return new StockModel(JlamaModel.load(directory, new JlamaModel.Settings(options.weights() == WeightType.Q4,
                activations == StockActivations.JLAMA, options.threads()), clock), options);
    }

    /**
     * Returns in words what the layers multiply their weights with, and why, for instance
     * {@code 8-bit activations} or {@code 32-bit activations, which Jlama takes with F32 weights}.
     */
    public String activations() {
        return model.activations();
    }

    /** Whether the layers multiply their weights with 32-bit floats. */
    public boolean hasFloatActivations() {
        return model.hasFloatActivations();
    }

    @Override
    public StockSession newSession() {
        return new StockSession(config(), model.newSequence());
    }

    @Override
    public ModelConfig config() {
        return model.config();
    }

    @Override
    public ChaiOptions options() {
        return options;
    }

    @Override
    public long numberOfParameters() {
        return model.weights().numberOfParameters();
    }

    @Override
    public long weightBytes() {
        return model.weights().bytes();
    }

    @Override
    public String weightType() {
        return model.weights().mostUsedFormat().name();
    }

    @Override
    public String operators() {
        return model.operators();
    }

    @Override
    public void close() {
        model.close();
    }
}
