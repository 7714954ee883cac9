// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.nio.file.Path;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.WeightType;

/** The options that say how to load a model, for exact attention; commands that take clusters bring them. */
class LoadingOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "model directory in Hugging Face "
            + "layout")
    @SuppressWarnings("NullAway.Init")
    private Path model;

    @Option(names = "--threads", paramLabel = "N", description = "threads of a step; default: all processors")
    private @Nullable Integer threads;

    @Option(names = "--kv-cache", paramLabel = "SIZE", converter = ByteSize.class, description = "budget for keys and "
            + "values, for instance 512MiB; default: a quarter of the machine's memory")
    private @Nullable Long kvCacheMaxBytes;

    @Option(names = "--weights", paramLabel = "TYPE", description = "stored: as the files have them; q4: quantized to "
            + "four bits when loaded; default: stored")
    private @Nullable WeightType weights;

    @Option(names = "--operators", paramLabel = "NAME", description = "what calculates matrix products: jlama, vector "
            + "(this program's own), blas (a BLAS library for prompts), or auto; default: auto")
    private @Nullable Operators operators;

    final Path model() {
        return model;
    }

    /** Returns the options as the plugin takes them. */
    ChaiOptions toChaiOptions() {
        return applyTo(ChaiOptions.exact());
    }

    /** Returns options with what was said here. */
    final ChaiOptions applyTo(ChaiOptions attention) {
        if (threads != null && (threads < 1 || threads > ChaiOptions.MAX_THREADS)) {
            throw usage("--threads must be 1 to " + ChaiOptions.MAX_THREADS + ", found " + threads);
        }
        return attention.with(change -> {
            if (threads != null) {
                change.threads(threads);
            }
            if (weights != null) {
                change.weights(weights);
            }
            if (operators != null) {
                change.operators(operators);
            }
            if (kvCacheMaxBytes != null) {
                change.kvCacheMaxBytes(kvCacheMaxBytes);
            }
        });
    }

    final boolean hasKvCacheBudget() {
        return kvCacheMaxBytes != null;
    }

    final ParameterException usage(RuntimeException mistake) {
        return new ParameterException(command.commandLine(), mistake.getMessage());
    }

    final ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
