// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.prefix.SharedSessions;

import static org.assertj.core.api.Assertions.assertThat;

/** More than one token of an answer in a step: those that are certain, and those that are guessed. */
class GuessedStepsTests {
    private static final int MUCH = 100_000;
    private static final SchedulerLimits LIMITS = SchedulerLimits.DEFAULT.withTokens(100, 10);

    private long numbers;

    private FakeGeneration add(SchedulerLoop loop, FakeGeneration generation) {
        loop.add(new ScheduledSequence(generation, numbers++, OptionalLong.empty()));
        return generation;
    }

    private static SchedulerLoop loop(FakeSessions sessions, SchedulerLimits limits) {
        return new SchedulerLoop(sessions, limits, new KvBudget(1).join(() -> {}), () -> {});
    }

    private static void runToEnd(SchedulerLoop loop) {
        int turns = 0;
        while (loop.turn(0)) {
            assertThat(turns++).as("turns").isLessThan(MUCH);
        }
    }

    private static List<List<Integer>> counts(FakeSessions sessions) {
        return sessions.steps.stream().map(step -> step.stream().map(SharedSessions.Run::count).toList()).toList();
    }

    private static FakeGeneration guessing(int prompt, int wanted, int seed, int right) {
        FakeGeneration generation = FakeGeneration.of(prompt, wanted, seed);
        generation.rightGuesses = right;
        return generation;
    }

    @Test
    void whatWasGuessedRightComesInOneStep() {
        FakeSessions sessions = new FakeSessions(MUCH);
        SchedulerLoop loop = loop(sessions, LIMITS);
        FakeGeneration right = add(loop, guessing(12, 30, 1, 100));
        runToEnd(loop);

        assertThat(counts(sessions)).containsExactly(List.of(12), List.of(11), List.of(11), List.of(11));
        right.assertIsAsIfAlone();
        assertThat(right.finished.orElseThrow().counts()).isEqualTo(new AnswerSteps(4, 30, 26));
    }

    @Test
    void whatWasGuessedWronglyIsTakenBack() {
        FakeSessions sessions = new FakeSessions(MUCH);
        SchedulerLoop loop = loop(sessions, LIMITS);
        FakeGeneration wrong = add(loop, guessing(12, 30, 1, 0));
        runToEnd(loop);

        wrong.assertIsAsIfAlone();
        AnswerSteps counts = wrong.finished.orElseThrow().counts();
        assertThat(counts.guessedTokens()).isGreaterThan(200);
        assertThat(counts.steps()).isEqualTo(30 - counts.rightGuesses());
        assertThat(sessions.pool.allocatedBytes()).isZero();
    }

    @Test
    void promptsThatComeInGoBeforeGuesses() {
        FakeSessions sessions = new FakeSessions(MUCH);
        SchedulerLoop loop = loop(sessions, LIMITS);
        add(loop, guessing(12, 60, 1, 100));
        loop.turn(0);
        add(loop, guessing(23, 5, 2, 100));
        for (int turn = 0; turn < 4; turn++) {
            loop.turn(0);
        }

        assertThat(counts(sessions)).containsExactly(List.of(12), List.of(1, 10), List.of(1, 10), List.of(8, 3),
                List.of(6, 6));
    }

    @Test
    void manyAnswersLeaveNoRoomForGuesses() {
        FakeSessions sessions = new FakeSessions(MUCH);
        SchedulerLoop loop = loop(sessions, SchedulerLimits.DEFAULT.withRequests(16, 0).withTokens(500, 32));
        IntStream.range(0, 16).forEach(seed -> add(loop, guessing(12, 9, seed, 100)));
        runToEnd(loop);
        assertThat(counts(sessions).subList(1, 9)).allSatisfy(step -> assertThat(step).hasSize(16).containsOnly(1));
    }

    @Test
    void tokensThatAreCertainGoInOneStepAsFarAsThereIsRoom() {
        FakeSessions sessions = new FakeSessions(MUCH);
        SchedulerLoop loop = loop(sessions, LIMITS.withTokens(100, 2));
        FakeGeneration certain = FakeGeneration.of(12, 80, 3);
        certain.hasCertain = true;
        add(loop, certain);
        runToEnd(loop);

        certain.assertIsAsIfAlone();
        AnswerSteps counts = certain.finished.orElseThrow().counts();
        assertThat(counts.steps()).as("choices").isLessThan(80);
        assertThat(counts(sessions).subList(1, sessions.steps.size())).allMatch(step -> step.getFirst() <= 3)
                .anyMatch(step -> step.getFirst() == 3);
        assertThat(sessions.steps.stream().flatMap(List::stream).filter(run -> run.logits() > 0).count())
                .isEqualTo(counts.steps());
    }

    @Test
    void nobodyGivesWayForAGuess() {
        int pages = 2 * (12 + 20) / 2 + 1;
        FakeSessions sessions = new FakeSessions(pages);
        SchedulerLoop loop = loop(sessions, LIMITS);
        List<FakeGeneration> all = List.of(add(loop, guessing(12, 21, 1, 50)), add(loop, guessing(12, 21, 2, 50)));
        runToEnd(loop);

        assertThat(loop.pauses()).isZero();
        assertThat(all).allSatisfy(each -> {
            assertThat(each.finished).isPresent();
            each.assertIsAsIfAlone();
        });
    }

    @Test
    void aCancelledAnswerTakesNoMoreOfAGuess() {
        FakeSessions sessions = new FakeSessions(MUCH);
        SchedulerLoop loop = loop(sessions, LIMITS);
        FakeGeneration cancelled = guessing(12, 30, 1, 100);
        cancelled.cancelsAt = 5;
        add(loop, cancelled);
        runToEnd(loop);

        assertThat(cancelled.answer).hasSize(5);
        assertThat(cancelled.wasCancelled.orElseThrow().kvCacheBytes()).hasValue(4 * (12 + 4));
        cancelled.assertIsAsIfAlone();
    }

    @Test
    void anAnswerWhoseGuessesFailGoesOnWithoutThem() {
        FakeSessions sessions = new FakeSessions(MUCH);
        SchedulerLoop loop = loop(sessions, LIMITS);
        List<FakeGeneration> all = new ArrayList<>();
        all.add(add(loop, guessing(12, 30, 1, 101)));
        all.add(add(loop, guessing(12, 30, 2, 100)));
        runToEnd(loop);
        all.forEach(FakeGeneration::assertIsAsIfAlone);
        assertThat(all).allMatch(each -> each.finished.isPresent());
    }
}
