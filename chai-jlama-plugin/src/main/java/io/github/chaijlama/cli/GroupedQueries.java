// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.Optional;

import io.github.chaijlama.profile.ModelShape;

/** What clusters are worth where several heads use the same keys. */
final class GroupedQueries {

    private GroupedQueries() {}

    /** Returns that in words; empty for a model whose heads have keys of their own. */
    static Optional<String> remark(ModelShape shape) {
        int groupSize = shape.heads() / shape.kvHeads();
        if (groupSize == 1) {
            return Optional.empty();
        }
        return Optional.of(groupSize + " heads share a key head, whose keys go only when none of them is a "
                + "representative; clusters save such a model mostly time, of long prompts, and 8-bit keys and values "
                + "its memory");
    }
}
