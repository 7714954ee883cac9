// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import io.github.chaijlama.cluster.HeadClusters;

/** A model as plain loops in double. */
interface LogitsReference {

    /**
     * Returns the logits of the last token.
     *
     * @param clusters clusters of each layer, null for exact attention
     * @param decided  position from which on they hold
     */
    float[] logits(int[] tokens, List<HeadClusters> clusters, int decided);

    /** Returns the same of clusters that hold from the beginning. */
    default float[] logits(int[] tokens, List<HeadClusters> clusters) {
        return logits(tokens, clusters, 0);
    }

    /** Returns the loops for the model in a directory. */
    static LogitsReference of(Path directory) {
        try {
            return Files.readString(directory.resolve("config.json")).contains("gemma4")
                    ? new Gemma4Reference(directory)
                    : new FamilyReference(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
