// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

import io.github.chaijlama.profile.ModelShape;

/** What clusters are worth where several heads use the same keys. */
final class GroupedQueries {

    private GroupedQueries() {}

    /** Returns that in words; empty for a model whose heads have keys of their own. */
    static Optional<String> remark(ModelShape shape) {
        List<Integer> groupSizes = shape.kvHeads().stream().map(kvHeads -> shape.heads() / kvHeads).distinct().sorted()
                .toList();
        if (groupSizes.getLast() == 1) {
            return Optional.empty();
        }
        return Optional.of(groupSizes.stream().map(String::valueOf).collect(Collectors.joining(" or "))
                + " heads share a key head, whose keys go only when none of them is a "
                + "representative; clusters save such a model mostly time, of long prompts, and 8-bit keys and values "
                + "its memory");
    }
}
