// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.nio.file.Path;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
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

    Path model() {
        return model;
    }

    Path profile() {
        return profile;
    }

    /** Returns the options as the plugin takes them. */
    ChaiOptions toChaiOptions() {
        AttentionMode mode = attention != null ? attention
                : profile != null ? AttentionMode.CLUSTERED : AttentionMode.EXACT;
        if (mode == AttentionMode.CLUSTERED && profile == null) {
            throw usage("--attention clustered needs --profile FILE");
        }
        if (threads != null && threads < 1) {
            throw usage("--threads must be at least 1, found " + threads);
        }
        ChaiOptions options = switch (mode) {
            case CLUSTERED -> ChaiOptions.clustered(ClusterProfile.read(profile));
            case EXACT -> ChaiOptions.exact();
            case STOCK -> ChaiOptions.stock();
        };
        return threads == null ? options : options.withThreads(threads);
    }

    ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
