// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.ArrayList;
import java.util.List;

/**
 * How many tokens an answer needs to be completed. The ending that is counted is the shortest in bytes, the same one
 * whichever part of it has been written ({@link State#shortestByte}), cut into the fewest tokens by dynamic
 * programming. So after the first of these tokens exactly one less is needed: an answer that never goes where more
 * tokens are needed than are left can always be completed.
 */
final class ShortestEnding {
    /**
     * Endings that are longer, in bytes, are counted one token for each byte; that is as safe, only more than needed.
     */
    private static final long LONGEST = 8192;

    private ShortestEnding() {}

    /** Works out {@link State#minimumTokens} of a state and of those on its way to the end. */
    static void measure(State from, Vocabulary vocabulary) {
        if (from.shortest() > LONGEST) {
            from.setMinimumTokens((int) Math.min(from.shortest(), Integer.MAX_VALUE - 1));
            return;
        }
        List<State> way = new ArrayList<>();
        int unknown = 0;
        for (State state = from;; state = state.shortestNext()) {
            way.add(state);
            if (!state.knowsMinimumTokens()) {
                unknown = way.size();
            }
            if (state.isComplete() || way.size() > unknown + vocabulary.longestToken()) {
                break;
            }
        }
        byte[] text = new byte[way.size()];
        for (int i = 0; i < text.length && !way.get(i).isComplete(); i++) {
            text[i] = (byte) way.get(i).shortestByte();
        }
        for (int i = unknown - 1; i >= 0; i--) {
            way.get(i).setMinimumTokens(fewestTokens(way, text, i, vocabulary));
        }
    }

    /** Returns the fewest tokens from a place on the way to its end; those of the places behind it are known. */
    private static int fewestTokens(List<State> way, byte[] text, int from, Vocabulary vocabulary) {
        if (way.get(from).isComplete()) {
            return 0;
        }
        int[] fewest = { Integer.MAX_VALUE - 1 };
        vocabulary.tokensAt(text, from, way.size() - 1, length -> fewest[0] = Math.min(fewest[0],
                1 + way.get(from + length).minimumTokens(vocabulary)));
        return fewest[0];
    }
}
