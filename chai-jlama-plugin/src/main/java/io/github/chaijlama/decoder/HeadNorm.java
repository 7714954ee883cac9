// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.attention.HeadRun;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.NormConfig;
import io.github.chaijlama.weight.WeightSource;

/**
 * The norm of queries, keys or values: of each head, of all heads as one row, or none.
 *
 * @param all every head, where a norm needs them all; empty where heads are normed by themselves
 */
record HeadNorm(Norm norm, List<HeadRun> all) {
    private static final List<HeadRun> WHOLE_ROW = List.of(new HeadRun(0, 1));

    /** Creates a norm of rows {@code (row, head, headSize)}. */
    static HeadNorm of(Optional<NormConfig> config, int heads, int headSize, WeightSource weights, StepTools tools) {
        boolean together = config.isPresent() && config.get().length() != headSize;
        return new HeadNorm(Norm.of(config, weights, tools), together ? List.of(new HeadRun(0, heads)) : List.of());
    }

    /** Returns the heads that must be there, if some are needed afterwards. */
    List<HeadRun> projected(List<HeadRun> needed) {
        return all.isEmpty() ? needed : all;
    }

    /** Norms rows in place, at least the heads that are needed. */
    void apply(Rows rows, List<HeadRun> needed) {
        norm.applyToHeads(rows, all.isEmpty() ? needed : WHOLE_ROW);
    }
}
