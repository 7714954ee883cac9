// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Optional;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

class ThinkingTextTests {
    private static final ThinkingMarks MARKS = new ThinkingMarks("<think>", "</think>");
    private static final ThinkingMarks GRANITE = new ThinkingMarks("<think>", "</think>", "<response>", "</response>");

    /** Feeds a text in pieces of so many characters and returns what was thought, a bar, and what was answered. */
    private static String separate(String text, int size, boolean begun) {
        return separate(MARKS, text, size, begun);
    }

    private static String separate(ThinkingMarks marks, String text, int size, boolean begun) {
        ThinkingText separator = new ThinkingText(Optional.of(marks), begun);
        StringBuilder thinking = new StringBuilder();
        StringBuilder answer = new StringBuilder();
        for (int from = 0; from < text.length(); from += size) {
            ThinkingText.Parts parts = separator.next(text.substring(from, Math.min(text.length(), from + size)));
            thinking.append(parts.thinking());
            answer.append(parts.answer());
        }
        ThinkingText.Parts rest = separator.finish();
        return thinking + rest.thinking() + "|" + answer + rest.answer();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', ignoreLeadingAndTrailingWhitespace = false, value = {
            "<think>\\nSo 2.\\n</think>\\n\\nTwo.;So 2.|Two.", "\\n <think>a\\n\\nb</think>c;a\\n\\nb|c",
            "Two.;|Two.", "  Two.\\n;|  Two.\\n", "<think>\\n\\n</think>\\n\\nTwo.;|Two.",
            "<think>cut <short;cut <short|", "<think>a < b </thin> c</think>d;a < b </thin> c|d",
            "<thinking> no;|<thinking> no", "<thin;|<thin", "a <think>b</think>;|a <think>b</think>",
            "<think>a</think><think>\\nb</think>c;a\\n\\nb|c", "<think></think><think>b</think>c;b|c",
            "<think>a</think>{\\\"x\\\": \\\"</think>\\\"};a|{\\\"x\\\": \\\"</think>\\\"}", "<think>a</think> ;a|",
            "<think>;|", "'';|''" })
    void whatStandsBetweenTheMarksIsThinking(String escaped, String expected) {
        String text = escaped.translateEscapes();
        for (int size = 1; size <= text.length(); size++) {
            assertThat(separate(text, size, false)).as("pieces of %d", size).isEqualTo(expected.translateEscapes());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', ignoreLeadingAndTrailingWhitespace = false, value = {
            "<|channel>thought\\nSo 2.\\n<channel|>Two.;So 2.|Two.", "<|channel>thought\\n<channel|>Two.;|Two.",
            "<|channel>though;|<|channel>though",
            "Two <|channel>thought\\nx<channel|>;|Two <|channel>thought\\nx<channel|>" })
    void aChannelOfThoughtIsThinking(String escaped, String expected) {
        ThinkingMarks channel = new ThinkingMarks("<|channel>thought\n", "<channel|>");
        String text = escaped.translateEscapes();
        for (int size = 1; size <= text.length(); size++) {
            assertThat(separate(channel, text, size, false)).isEqualTo(expected.translateEscapes());
        }
    }

    /** The marks around an answer are no part of it, and one that has none, or no end, is what it is. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', ignoreLeadingAndTrailingWhitespace = false, value = {
            "<think>\\nSo 2.\\n</think>\\n<response>\\nTwo.\\n</response>\\n;So 2.|Two.",
            "<think>a</think><response>b</response>;a|b", "<response>b </response>;|b", "<think>a</think>b;a|b",
            "<think>a</think><response>b;a|b", "<think>a</think><response>b \\n\\n</resp;a|b \\n\\n</resp",
            "<think>a</think><response>b\\n\\nc </respond> d</response>;a|b\\n\\nc </respond> d",
            "<think>a</think><respond>b;a|<respond>b", "<resp;|<resp", "<think>a</think><resp;a|<resp",
            "b <response>c</response>;|b <response>c</response>", "<response> </response>;|", "<response>;|",
            "<response>b</response> c;|b\\n\\nc", "<response>b</response><think>a</think>c;a|b\\n\\nc",
            "<response>b</response><response>c</response>;|b\\n\\nc", "<response>b</response><;|b\\n\\n<" })
    void anAnswerMayStandBetweenMarksToo(String escaped, String expected) {
        String text = escaped.translateEscapes();
        for (int size = 1; size <= text.length(); size++) {
            assertThat(separate(GRANITE, text, size, false)).as("pieces of %d", size)
                    .isEqualTo(expected.translateEscapes());
        }
    }

    @Test
    void marksMayBeSentences() {
        ThinkingMarks marks = new ThinkingMarks("Here is my thought process:", "Here is my response:");
        String text = "Here is my thought process: Here is a sum.\n\nHere is my response:\n\nTwo.";
        for (int size = 1; size <= text.length(); size++) {
            assertThat(separate(marks, text, size, false)).isEqualTo("Here is a sum.|Two.");
        }
    }

    @Test
    void aTemplateMayHaveBegunToThink() {
        for (int size = 1; size < 20; size++) {
            assertThat(separate("\nSo.\n</think>\n\nTwo.", size, true)).isEqualTo("So.|Two.");
            assertThat(separate("never ends ", size, true)).isEqualTo("never ends|");
        }
    }

    @Test
    void aModelWithoutMarksOnlyAnswers() {
        ThinkingText separator = new ThinkingText(Optional.empty(), false);
        assertThat(separator.next("<think>a</think>").answer()).isEqualTo("<think>a</think>");
        assertThat(separator.next(" ").answer()).isEqualTo(" ");
        assertThat(separator.finish()).isEqualTo(new ThinkingText.Parts("", ""));
    }
}
