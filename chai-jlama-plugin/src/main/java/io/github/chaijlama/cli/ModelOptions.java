// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.nio.file.Path;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.profile.ClusterProfile;

/** The options that say which model to load, how, and with which attention. */
final class ModelOptions extends LoadingOptions {
    @Option(names = "--profile", paramLabel = "FILE", description = "cluster profile (chai-profile/1)")
    private @Nullable Path profile;

    @Option(names = "--attention", paramLabel = "MODE", description = "clustered, exact or stock; default: clustered "
            + "with a profile, else exact")
    private @Nullable AttentionMode attention;

    @Override
    ChaiOptions toChaiOptions() {
        AttentionMode mode = attention != null ? attention
                : profile != null ? AttentionMode.CLUSTERED : AttentionMode.EXACT;
        if (mode == AttentionMode.STOCK && hasKvCacheBudget()) {
            throw usage("--kv-cache has no effect on Jlama's own key/value cache, which knows no budget");
        }
        return applyTo(switch (mode) {
            case CLUSTERED -> ChaiOptions.clustered(clusters());
            case EXACT -> ChaiOptions.exact();
            case STOCK -> ChaiOptions.stock();
        });
    }

    private ClusterProfile clusters() {
        if (profile == null) {
            throw usage("--attention clustered needs --profile FILE");
        }
        return ClusterProfile.read(profile);
    }
}
