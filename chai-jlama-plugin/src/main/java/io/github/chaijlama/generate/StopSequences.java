// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.List;

/**
 * Looks for stop sequences in text that comes piece by piece. Text that could be the beginning of one is held back
 * until it is clear that it is not. One instance per answer, not thread-safe.
 */
final class StopSequences {
    private final List<String> sequences;
    private final StringBuilder held = new StringBuilder();
    private boolean found;

    StopSequences(List<String> sequences) {
        this.sequences = sequences;
    }

    /** Returns the text that is certain to come before any stop sequence, which the new piece completes. */
    String next(String piece) {
        held.append(piece);
        int first = firstOccurrence();
        if (first >= 0) {
            found = true;
            String text = held.substring(0, first);
            held.setLength(0);
            return text;
        }
        int certain = held.length() - longestBeginning();
        String text = held.substring(0, certain);
        held.delete(0, certain);
        return text;
    }

    /** Returns the text that was held back and turned out to begin no stop sequence, at the end of the answer. */
    String finish() {
        String text = held.toString();
        held.setLength(0);
        return text;
    }

    /** Whether a stop sequence has come. */
    boolean isFound() {
        return found;
    }

    /** Returns where the stop sequence begins that is complete first, the longest of those; -1 if none is complete. */
    private int firstOccurrence() {
        int first = -1;
        int firstEnd = Integer.MAX_VALUE;
        for (String sequence : sequences) {
            int at = held.indexOf(sequence);
            int end = at + sequence.length();
            if (at >= 0 && (end < firstEnd || end == firstEnd && at < first)) {
                first = at;
                firstEnd = end;
            }
        }
        return first;
    }

    /** Returns the length of the longest end of the held text that is the beginning of a stop sequence. */
    private int longestBeginning() {
        int longest = 0;
        for (String sequence : sequences) {
            for (int length = Math.min(sequence.length() - 1, held.length()); length > longest; length--) {
                if (sequence.startsWith(held.substring(held.length() - length))) {
                    longest = length;
                }
            }
        }
        return longest;
    }
}
