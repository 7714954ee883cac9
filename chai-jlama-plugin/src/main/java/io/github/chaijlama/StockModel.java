// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.Optional;

import io.github.chaijlama.decoder.StepClock;
import io.github.chaijlama.jlama.JlamaModel;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.weight.ConversionProgress;
import io.github.chaijlama.weight.LoggedConversion;

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
     * Loads a model.
     *
     * @param directory a model in Hugging Face layout: config.json and safetensors
     * @param options   threads and type of weights
     * @throws io.github.chaijlama.model.ModelLoadException if the model is missing, broken, not supported, or computed
     *                                                      wrongly by Jlama
     */
    public static StockModel load(Path directory, ChaiOptions options) {
        return load(directory, options, new LoggedConversion());
    }

    /**
     * Loads a model as {@link #load(Path, ChaiOptions)} does, and tells how far it is.
     *
     * @param progress told while weights are converted, if any are; without one it is logged
     */
    public static StockModel load(Path directory, ChaiOptions options, ConversionProgress progress) {
        return load(directory, options, Optional.empty(), progress);
    }

    /** Loads a model as {@link #load(Path, ChaiOptions)} does, whose steps are timed. */
    public static StockModel load(Path directory, ChaiOptions options, StepClock clock) {
        return load(directory, options, Optional.of(clock), new LoggedConversion());
    }

    private static StockModel load(Path directory, ChaiOptions options, Optional<StepClock> clock,
            ConversionProgress progress) {
        return new StockModel(JlamaModel.load(directory, options.weights().quantized(), options.threads(), clock,
                progress), options);
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
