// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.regex.Pattern;

/**
 * What the names of a model's tensors may look like in its files. Immutable.
 *
 * @param prefixes beginnings of names in some files, and what stands for them here; the first that fits counts
 * @param others   names of tensors that files may hold and that the forward pass does without
 */
public record TensorNames(List<Prefix> prefixes, Pattern others) {
    /** Frequencies that old files keep, though they follow from the configuration. */
    private static final String FREQUENCIES = ".*rotary_emb\\.inv_freq";
    /** Names as they are. */
    public static final TensorNames PLAIN = of(List.of());

    public TensorNames {
        prefixes = List.copyOf(prefixes);
    }

    /**
     * The beginning of names.
     *
     * @param stored in the files
     * @param meant  here
     */
    public record Prefix(String stored, String meant) {}

    /**
     * Returns names.
     *
     * @param others patterns of names that files may hold besides
     */
    public static TensorNames of(List<Prefix> prefixes, String... others) {
        return new TensorNames(prefixes,
                Pattern.compile(others.length == 0 ? FREQUENCIES : FREQUENCIES + "|" + String.join("|", others)));
    }

    /** Returns what a stored name means. */
    public String meant(String stored) {
        for (Prefix prefix : prefixes) {
            if (stored.startsWith(prefix.stored())) {
                return prefix.meant() + stored.substring(prefix.stored().length());
            }
        }
        return stored;
    }

    /**
     * Whether a tensor may be there though nothing is computed with it.
     *
     * @param meant its name here
     */
    public boolean isOther(String meant) {
        return others.matcher(meant).matches();
    }
}
