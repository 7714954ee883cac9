// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class AnswersTogetherTests {
    private static final long SECOND = 1_000_000_000L;

    @Test
    void tokensCountOnlyWhileAllAnswersGoOn() {
        // Both go on from second 2 to 4, in which three tokens come, and from 5 to 6, in which two come.
        List<long[]> answers = List.of(seconds(0, 1, 3, 4), seconds(2, 4, 6), seconds(5, 6));

        assertThat(AnswersTogether.rate(answers, 2)).isEqualTo(5.0 / 3);
    }

    @Test
    void oneClientsAnswersCountWithoutTheirPrompts() {
        assertThat(AnswersTogether.rate(List.of(seconds(1, 2, 3), seconds(7, 8)), 1)).isEqualTo(1);
    }

    @Test
    void answersThatNeverMeetHaveNoRate() {
        assertThat(AnswersTogether.rate(List.of(seconds(0, 1), seconds(2, 3)), 2)).isNaN();
    }

    private static long[] seconds(long... seconds) {
        long[] nanos = seconds.clone();
        for (int i = 0; i < nanos.length; i++) {
            nanos[i] *= SECOND;
        }
        return nanos;
    }
}
