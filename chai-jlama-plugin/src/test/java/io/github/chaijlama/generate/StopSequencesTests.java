// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class StopSequencesTests {

    @Test
    void textPassesAtOnceWhenNothingCanBegin() {
        StopSequences stop = new StopSequences(List.of("STOP"));
        assertThat(stop.next("Hello, ")).isEqualTo("Hello, ");
        assertThat(stop.next("world")).isEqualTo("world");
        assertThat(stop.isFound()).isFalse();
        assertThat(stop.finish()).isEmpty();
    }

    @Test
    void aBeginningIsHeldBackUntilItIsClear() {
        StopSequences stop = new StopSequences(List.of("STOP"));
        assertThat(stop.next("a S")).isEqualTo("a ");
        assertThat(stop.next("T")).isEmpty();
        assertThat(stop.next("ART ST")).isEqualTo("START ");
        assertThat(stop.finish()).isEqualTo("ST");
    }

    @Test
    void aSequenceAcrossPiecesIsFoundAndNotPartOfTheText() {
        StopSequences stop = new StopSequences(List.of("STOP"));
        assertThat(stop.next("go S")).isEqualTo("go ");
        assertThat(stop.next("TO")).isEmpty();
        assertThat(stop.next("P and more")).isEmpty();
        assertThat(stop.isFound()).isTrue();
        assertThat(stop.finish()).isEmpty();
    }

    @Test
    void theFirstToBeCompleteCounts() {
        StopSequences stop = new StopSequences(List.of("late", "ea"));
        assertThat(stop.next("x early late")).isEqualTo("x ");
        assertThat(stop.isFound()).isTrue();
        StopSequences inside = new StopSequences(List.of("abcd", "bc"));
        assertThat(inside.next("xabcd")).isEqualTo("xa");
    }

    /** However the text is cut into pieces, the result is that of the whole text. */
    @Test
    void howTheTextIsCutMakesNoDifference() {
        Random random = new Random(11);
        for (int round = 0; round < 3000; round++) {
            String text = random(random, 1 + random.nextInt(20));
            List<String> sequences = new ArrayList<>();
            for (int i = random.nextInt(3); i >= 0; i--) {
                sequences.add(random(random, 1 + random.nextInt(4)));
            }
            int first = beginningOfTheFirstToEnd(text, sequences);
            String expected = first < 0 ? text : text.substring(0, first);

            StopSequences stop = new StopSequences(sequences);
            StringBuilder result = new StringBuilder();
            int from = 0;
            while (from < text.length() && !stop.isFound()) {
                int end = Math.min(text.length(), from + random.nextInt(4));
                result.append(stop.next(text.substring(from, end)));
                assertThat(expected).startsWith(result.toString());
                from = end;
            }
            if (!stop.isFound()) {
                result.append(stop.finish());
            }
            assertThat(stop.isFound()).isEqualTo(first >= 0);
            assertThat(result.toString()).as("%s in %s", sequences, text).isEqualTo(expected);
        }
    }

    /** Tries every end in turn. */
    private static int beginningOfTheFirstToEnd(String text, List<String> sequences) {
        for (int end = 1; end <= text.length(); end++) {
            String soFar = text.substring(0, end);
            int longest = sequences.stream().filter(soFar::endsWith).mapToInt(String::length).max().orElse(0);
            if (longest > 0) {
                return end - longest;
            }
        }
        return -1;
    }

    private static String random(Random random, int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append((char) ('a' + random.nextInt(2)));
        }
        return text.toString();
    }
}
