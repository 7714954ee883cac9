// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntUnaryOperator;

/**
 * Guesses how an answer goes on by looking up, in prompt and answer, what came behind its last tokens before. Every
 * place where the last token stood speaks for what followed there, the more so the longer the match before it; the
 * guess is what the places agree on, token after token, for as long as it is likely. An answer that quotes is guessed
 * right, and the model checks a whole piece of it at once.
 *
 * <p>Two kinds of places count more than their match alone. Those in the answer: it goes on in the form that it has
 * begun with, which the prompt may describe in another. And those a few tokens behind where the answer has quoted from
 * the prompt last: who quotes goes on from there.
 *
 * <p>Guesses that come get longer, wrong ones shorter; when nothing comes of two in a row there are none for a while,
 * twice as long each time.
 *
 * <p>Source: the idea is prompt lookup decoding, A. Saxena 2023, a form of speculative decoding, Y. Leviathan et al.,
 * arXiv:2211.17192; to weigh places is ours. One instance per answer, not thread-safe.
 */
final class PromptLookup {
    private static final int FIRST_LENGTH = 4;
    private static final int LONGEST = 16;
    /** So often a pause gets longer: to 62 steps. */
    private static final int MOST_DOUBLINGS = 6;
    /** More tokens of a match say no more about where a text comes from. */
    private static final int LONGEST_MATCH = 12;
    /** How much more a place counts for each token of its match. */
    private static final double WEIGHT = 4;
    /** So many tokens more a match in the answer counts. */
    private static final int ANSWER_BONUS = 6;
    /** So many more one counts that is not far behind where the answer has quoted from. */
    private static final int QUOTED_BONUS = 2;
    private static final int NOT_FAR = 16;
    private static final double LEAST_LIKELIHOOD = 0.3;
    /** Places that are looked at, the last ones of a token that is everywhere. */
    private static final int MAX_PLACES = 1000;

    private final IntUnaryOperator words;
    private final int promptLength;
    private int[] tokens;
    /** What each token is as a word, and where that word stood before, -1 for nowhere. */
    private int[] word;
    private int[] before;
    private int length;
    /** Where the last words of the answer stand in the prompt, as far as it has quoted; -1 before. */
    private int quoted = -1;
    /** Where each word stood last. */
    private final Map<Integer, Integer> last = new HashMap<>();
    private int most = FIRST_LENGTH;
    /** Guesses in a row of which nothing came. */
    private int misses;
    private int pause;
    /** Of the last guess, the tokens that were given, and those that were looked up. */
    private int given;
    private int lookedUp;

    /**
     * Begins with the tokens of a prompt.
     *
     * @param words gives tokens the same number that are the same word, at the beginning of a text and within it
     */
    PromptLookup(int[] prompt, IntUnaryOperator words) {
        int room = prompt.length + 2 * LONGEST;
        this.words = words;
        this.promptLength = prompt.length;
        this.tokens = new int[room];
        this.word = new int[room];
        this.before = new int[room];
        for (int token : prompt) {
            append(token);
        }
    }

    /** Takes the next token of the answer. */
    void add(int token) {
        append(token);
        if (length > promptLength + 1) {
            for (int place = before[length - 1]; place > 0; place = before[place]) {
                if (place < promptLength && word[place - 1] == word[length - 2]) {
                    quoted = place; // the first of them in the end
                }
            }
        }
    }

    private void append(int token) {
        if (length == tokens.length) {
            int room = length + length / 2;
            tokens = Arrays.copyOf(tokens, room);
            word = Arrays.copyOf(word, room);
            before = Arrays.copyOf(before, room);
        }
        tokens[length] = token;
        word[length] = words.applyAsInt(token);
        Integer place = last.put(word[length], length);
        before[length++] = place == null ? -1 : place;
    }

    private void removeLast() {
        length--;
        if (before[length] < 0) {
            last.remove(word[length]);
        } else {
            last.put(word[length], before[length]);
        }
    }

    /**
     * Returns what may come next.
     *
     * @param likely tokens that are the first to come, as far as anybody can say
     * @param room   the most tokens to return, at least 1
     */
    int[] next(int[] likely, int room) {
        given = Math.min(likely.length, room);
        lookedUp = 0;
        int[] guess = Arrays.copyOf(likely, room);
        if (pause > 0) {
            pause--;
            return Arrays.copyOf(guess, given);
        }
        for (int i = 0; i < given; i++) {
            append(guess[i]);
        }
        double likelihood = 1;
        while (given + lookedUp < room && lookedUp < most) {
            Candidate next = lookUp();
            likelihood *= next.likelihood;
            if (likelihood < LEAST_LIKELIHOOD) {
                break;
            }
            guess[given + lookedUp++] = next.token;
            append(next.token);
        }
        for (int i = 0; i < given + lookedUp; i++) {
            removeLast();
        }
        return Arrays.copyOf(guess, given + lookedUp);
    }

    /** A token that may come next. */
    private record Candidate(int token, double likelihood) {}

    private Candidate lookUp() {
        Map<Integer, Double> weights = new HashMap<>();
        double total = WEIGHT; // a match of one token, once, is little to go by
        Candidate best = new Candidate(-1, 0);
        int places = 0;
        for (int place = before[length - 1]; place >= 0 && places < MAX_PLACES; place = before[place]) {
            double weight = Math.pow(WEIGHT, match(place) + bonus(place));
            double sum = weights.merge(tokens[place + 1], weight, Double::sum);
            total += weight;
            if (sum > best.likelihood) {
                best = new Candidate(tokens[place + 1], sum);
            }
            places++;
        }
        return new Candidate(best.token, best.likelihood / total);
    }

    private int bonus(int place) {
        if (place >= promptLength) {
            return ANSWER_BONUS;
        }
        return quoted >= 0 && place >= quoted && place <= quoted + NOT_FAR ? QUOTED_BONUS : 0;
    }

    /** Returns how many words up to a place are the last ones. */
    private int match(int place) {
        int match = 1;
        while (match < LONGEST_MATCH && match <= place && word[place - match] == word[length - 1 - match]) {
            match++;
        }
        return match;
    }

    /**
     * Learns from a step.
     *
     * @param right how many tokens of the last guess, the first ones, came
     */
    void checked(int right) {
        int found = right - given;
        if (lookedUp == 0 || found < 0) {
            return;
        }
        most = found == lookedUp ? Math.min(LONGEST, Math.max(most, 2 * found)) : Math.max(2, found + 1);
        misses = found > 0 ? 0 : misses + 1;
        pause = misses < 2 ? 0 : (1 << Math.min(misses - 1, MOST_DOUBLINGS)) - 2;
    }
}
