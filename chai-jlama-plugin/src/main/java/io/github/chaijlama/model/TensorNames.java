// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the names of a model's tensors may look like in its files. Immutable.
 *
 * @param prefixes  beginnings of names in some files, and what stands for them here; the first that fits counts
 * @param spellings other names of tensors in some files; the first that fits counts
 * @param stacks    tensors of some files that are many tensors here
 * @param others    names of tensors that files may hold and that the forward pass does without
 */
public record TensorNames(List<Prefix> prefixes, List<Spelling> spellings, List<Stack> stacks, Pattern others) {
    /** Frequencies that old files keep, though they follow from the configuration. */
    private static final String FREQUENCIES = ".*rotary_emb\\.inv_freq";
    /** Names as they are. */
    public static final TensorNames PLAIN = of(List.of());

    public TensorNames {
        prefixes = List.copyOf(prefixes);
        spellings = List.copyOf(spellings);
        stacks = List.copyOf(stacks);
    }

    /**
     * The beginning of names.
     *
     * @param stored in the files
     * @param meant  here
     */
    public record Prefix(String stored, String meant) {}

    /**
     * Another name of tensors.
     *
     * @param stored in the files
     * @param meant  here, with {@code $1} for the first group
     */
    public record Spelling(Pattern stored, String meant) {

        /** Creates a spelling of a regular expression. */
        public Spelling(String stored, String meant) {
            this(Pattern.compile(stored), meant);
        }
    }

    /**
     * A tensor {@code (expert, rows, columns)} that has, expert by expert, the rows of several matrices one after the
     * other, each as many.
     *
     * @param stored in the files
     * @param meant  names of the matrices of an expert, with {@code $1} for the first group of {@code stored},
     *               {@code #} for the number of the expert, and {@code $2} for the second group
     */
    public record Stack(Pattern stored, List<String> meant) {
        public Stack {
            meant = List.copyOf(meant);
        }

        /** Creates a stack of a regular expression. */
        public Stack(String stored, String... meant) {
            this(Pattern.compile(stored), List.of(meant));
        }

        private Optional<List<String>> parts(String name) {
            Matcher matcher = stored.matcher(name);
            return matcher.matches() ? Optional.of(meant.stream().map(matcher::replaceFirst).toList())
                    : Optional.empty();
        }
    }

    /**
     * Returns names.
     *
     * @param others patterns of names that files may hold besides
     */
    public static TensorNames of(List<Prefix> prefixes, String... others) {
        return new TensorNames(prefixes, List.of(), List.of(),
                Pattern.compile(others.length == 0 ? FREQUENCIES : FREQUENCIES + "|" + String.join("|", others)));
    }

    /** Returns these names with others of some tensors. */
    TensorNames with(List<Spelling> otherSpellings, List<Stack> otherStacks) {
        return new TensorNames(prefixes, otherSpellings, otherStacks, others);
    }

    /** Returns these names, and what files may hold besides. */
    TensorNames withOthers(String pattern) {
        return new TensorNames(prefixes, spellings, stacks, Pattern.compile(others.pattern() + "|" + pattern));
    }

    /** Returns what a stored name means. */
    public String meant(String stored) {
        String name = withoutPrefix(stored);
        for (Spelling spelling : spellings) {
            Matcher matcher = spelling.stored().matcher(name);
            if (matcher.matches()) {
                return matcher.replaceFirst(spelling.meant());
            }
        }
        return name;
    }

    private String withoutPrefix(String stored) {
        for (Prefix prefix : prefixes) {
            if (stored.startsWith(prefix.stored())) {
                return prefix.meant() + stored.substring(prefix.stored().length());
            }
        }
        return stored;
    }

    /**
     * Returns the names of the matrices of an expert, {@code #} in each for its number, whose rows one tensor has for
     * all of them; empty for a tensor that is one matrix.
     *
     * @param meant its name here
     */
    public Optional<List<String>> stacked(String meant) {
        return stacks.stream().flatMap(stack -> stack.parts(meant).stream()).findFirst();
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
