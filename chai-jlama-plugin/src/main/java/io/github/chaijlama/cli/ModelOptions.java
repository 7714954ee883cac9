// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.nio.file.Path;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.profile.ClusterProfile;

/** The options that say which model to load, and how. */
final class ModelOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "model directory in Hugging Face layout")
    private Path model;

    @Option(names = "--profile", paramLabel = "FILE", description = "cluster profile (chai-profile/1)")
    private Path profile;

    @Option(names = "--attention", paramLabel = "MODE", description = "clustered, exact or stock; default: clustered with a profile, else exact")
    private AttentionMode attention;

    @Option(names = "--threads", paramLabel = "N", description = "threads of a step; default: all processors")
    private Integer threads;

    @Option(names = "--kv-cache", paramLabel = "SIZE", converter = ByteSize.class, description = "budget for keys and values, for instance 512MiB; default: a quarter of the machine's memory")
    private Long kvCacheMaxBytes;

    @Option(names = "--weights", paramLabel = "TYPE", description = "stored: as the files have them; q4: quantized to four bits when loaded; default: stored")
    private WeightType weights;

    Path model() {
        return model;
    }

    /** Returns the options as the plugin takes them. */
    ChaiOptions toChaiOptions() {
        AttentionMode mode = attention != null ? attention
                : profile != null ? AttentionMode.CLUSTERED : AttentionMode.EXACT;
        if (mode == AttentionMode.CLUSTERED && profile == null) {
            throw usage("--attention clustered needs --profile FILE");
        }
        if (threads != null && (threads < 1 || threads > ChaiOptions.MAX_THREADS)) {
            throw usage("--threads must be 1 to " + ChaiOptions.MAX_THREADS + ", found " + threads);
        }
        if (mode == AttentionMode.STOCK && kvCacheMaxBytes != null) {
            throw usage("--kv-cache has no effect on Jlama's own key/value cache, which knows no budget");
        }
        ChaiOptions options = switch (mode) {
            case CLUSTERED -> ChaiOptions.clustered(ClusterProfile.read(profile));
            case EXACT -> ChaiOptions.exact();
            case STOCK -> ChaiOptions.stock();
        };
        options = threads == null ? options : options.withThreads(threads);
        options = weights == null ? options : options.withWeights(weights);
        return kvCacheMaxBytes == null ? options : options.withKvCacheMaxBytes(kvCacheMaxBytes);
    }

    ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
