// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;

/** The tokens that may come in a state, grouped by the state they lead to. Immutable. */
final class NextTokens {
    private final List<Group> groups;
    private final long[] all;
    /** Bytes of the longest of the shortest endings after the tokens. */
    private final long longestEnding;
    /** The same in tokens, -1 as long as nobody has asked. */
    private volatile int mostTokens = -1;

    /**
     * Tokens that lead to the same state.
     *
     * @param after the state
     */
    private record Group(State after, TokenSet tokens) {}

    private NextTokens(List<Group> groups, int vocabularySize) {
        this.groups = groups;
        this.all = new long[TokenSet.words(vocabularySize)];
        groups.forEach(group -> group.tokens.addTo(all));
        this.longestEnding = groups.stream().mapToLong(group -> group.after.shortest()).max().orElse(0);
    }

    static NextTokens of(State state, Vocabulary vocabulary) {
        List<Group> groups = new ArrayList<>();
        if (isInsideString(state)) {
            // What a token does to a string does not depend on what surrounds it: one token of a kind speaks for all.
            for (Vocabulary.StringTokens kind : vocabulary.stringTokens()) {
                State after = state.step(kind.example());
                if (!after.isDead()) {
                    groups.add(new Group(after, kind.tokens()));
                }
            }
        } else {
            IdentityHashMap<State, TokenSet.Builder> collected = new IdentityHashMap<>();
            vocabulary.walk(state,
                    (after, token) -> collected.computeIfAbsent(after, any -> new TokenSet.Builder()).add(token));
            collected.forEach((after, tokens) -> groups.add(new Group(after, tokens.build(vocabulary.size()))));
        }
        return new NextTokens(groups, vocabulary.size());
    }

    private static boolean isInsideString(State state) {
        for (Stack stack : state.stacks()) {
            if (!(stack.top() instanceof StringBody string) || string.phase() != StringBody.BOUNDARY) {
                return false;
            }
        }
        return !state.isFinished();
    }

    /**
     * Returns the tokens after which at most {@code left} tokens complete the answer: one bit for each token, not to be
     * changed.
     */
    long[] within(int left, Vocabulary vocabulary) {
        if (longestEnding <= left || mostTokens(vocabulary) <= left) { // a token has at least one byte
            return all;
        }
        long[] allowed = new long[all.length];
        for (Group group : groups) {
            if (group.after.minimumTokens(vocabulary) <= left) {
                group.tokens.addTo(allowed);
            }
        }
        return allowed;
    }

    private int mostTokens(Vocabulary vocabulary) {
        if (mostTokens < 0) {
            mostTokens = groups.stream().mapToInt(group -> group.after.minimumTokens(vocabulary)).max().orElse(0);
        }
        return mostTokens;
    }

    /** Returns about how many bytes of memory it uses, without the sets that belong to the vocabulary. */
    long bytes() {
        return 8L * all.length + groups.stream().mapToLong(group -> 32 + group.tokens.bytes()).sum();
    }
}
