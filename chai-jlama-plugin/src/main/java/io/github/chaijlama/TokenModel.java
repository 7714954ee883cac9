// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;

import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.weight.ConversionProgress;
import io.github.chaijlama.weight.LoggedConversion;

/** A loaded model: tokens in, logits out. Thread-safe. */
public sealed interface TokenModel extends AutoCloseable permits ChaiModel, StockModel {

    /**
     * Loads a model with the attention of the options.
     *
     * @param directory a model in Hugging Face layout: config.json and safetensors
     * @throws io.github.chaijlama.model.ModelLoadException if the model is missing, broken, or not supported
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    static TokenModel load(Path directory, ChaiOptions options) {
        return load(directory, options, new LoggedConversion());
    }

    /**
     * Loads a model as {@link #load(Path, ChaiOptions)} does, and tells how far it is.
     *
     * @param progress told while weights are converted, if any are; without one it is logged
     */
    static TokenModel load(Path directory, ChaiOptions options, ConversionProgress progress) {
        return options.attention() == AttentionMode.STOCK ? StockModel.load(directory, options, progress)
                : ChaiModel.load(directory, options, progress);
    }

    /** Starts a session with the attention of the options. */
    TokenSession newSession();

    /** Returns what the model's config.json says. */
    ModelConfig config();

    /** Returns how the model was loaded. */
    ChaiOptions options();

    /** Returns the number of weights. */
    long numberOfParameters();

    /** Returns the bytes of all weights in memory: those of the files, or what they were converted to. */
    long weightBytes();

    /** Returns the type most weights have in memory, for instance {@code BF16}. */
    String weightType();

    /** Returns the name of the operators that do the matrix products. */
    String operators();

    /** Waits for a running step, then frees everything; sessions that are still open cannot be fed any more. */
    @Override
    void close();
}
