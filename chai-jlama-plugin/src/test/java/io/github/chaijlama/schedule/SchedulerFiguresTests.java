// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.kv.KvBudget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What a scheduler says of itself is what it was seen to do. */
@Timeout(120)
class SchedulerFiguresTests {
    private final FakeSessions sessions = new FakeSessions(10_000);

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void stepsAndTheirRowsAreThoseThatWereTaken() {
        try (Scheduler scheduler = Scheduler.start(sessions, SchedulerLimits.DEFAULT.withTokens(100, 10))) {
            List<FakeGeneration> all = IntStream.range(0, 5).mapToObj(seed -> FakeGeneration.of(20, 7, seed)).toList();
            all.forEach(scheduler::submit);
            all.forEach(each -> await(each.end));

            SchedulerFigures figures = scheduler.figures();
            assertThat(figures.steps()).isEqualTo(sessions.steps.size()).isPositive();
            assertThat(figures.rows()).isEqualTo(5 * (20 + 6)); // the last token of an answer is not calculated
            assertThat(figures.stepTime()).isPositive();
            assertThat(figures.running()).isZero();
            assertThat(figures.waiting()).isZero();
            assertThat(figures.refused()).isZero();
            assertThat(figures.sequences()).isEmpty();
        }
    }

    @Test
    void whoRunsAndWhoWaitsIsSeenWhileAStepHangs() {
        CountDownLatch begun = new CountDownLatch(2);
        CountDownLatch held = new CountDownLatch(1);
        sessions.beforeStep = runs -> {
            begun.countDown();
            if (begun.getCount() == 0) {
                await(held);
            }
        };
        try (Scheduler scheduler = Scheduler.start(sessions, SchedulerLimits.DEFAULT.withRequests(1, 1))) {
            FakeGeneration running = FakeGeneration.of(3, 9, 1);
            FakeGeneration waiting = FakeGeneration.of(5, 1, 2);
            waiting.attention = AttentionMode.CLUSTERED;
            scheduler.submit(running);
            scheduler.submit(waiting);
            await(begun);
            assertThatThrownBy(() -> scheduler.submit(FakeGeneration.of(1, 1, 3))).isInstanceOf(BusyException.class);

            SchedulerFigures figures = scheduler.figures();
            assertThat(figures.running()).isEqualTo(1);
            assertThat(figures.waiting()).isEqualTo(1);
            assertThat(figures.refused()).isEqualTo(1);
            assertThat(figures.currentStep()).isPositive();
            assertThat(scheduler.figures().currentStep()).isGreaterThanOrEqualTo(figures.currentStep());
            assertThat(figures.sequences().getFirst())
                    .isEqualTo(new SequenceFigures(0, true, AttentionMode.EXACT, 3, 0, 1, 3));
            held.countDown();
            await(waiting.end);
            while (!scheduler.figures().currentStep().isZero()) {
                Thread.onSpinWait(); // the scheduler's thread tells of the end before it is done with the step
            }
        }
    }

    @Test
    void whoWaitsIsListedBehindWhoRuns() {
        SchedulerLoop loop = new SchedulerLoop(sessions, SchedulerLimits.DEFAULT.withRequests(1, 9),
                new KvBudget(Long.MAX_VALUE).join(() -> {}), () -> {});
        FakeGeneration second = FakeGeneration.of(5, 2, 2);
        second.attention = AttentionMode.CLUSTERED;
        loop.add(new ScheduledSequence(FakeGeneration.of(3, 2, 1), 0, OptionalLong.empty()));
        loop.add(new ScheduledSequence(second, 1, OptionalLong.empty()));
        loop.turn(0);
        assertThat(loop.sequences()).containsExactly(
                new SequenceFigures(0, true, AttentionMode.EXACT, 3, 0, 1, 3),
                new SequenceFigures(1, false, AttentionMode.CLUSTERED, 5, 0, 0, 0));
        loop.turn(0);
        assertThat(loop.sequences())
                .containsExactly(new SequenceFigures(1, false, AttentionMode.CLUSTERED, 5, 0, 0, 0));
        loop.turn(0);
        loop.turn(0);
        assertThat(loop.sequences()).isEmpty();
        assertThat(loop.counts().steps()).isEqualTo(4);
    }

    @Test
    void aStepThatDidNotGetItsMemoryIsNone() {
        FakeSessions small = new FakeSessions(10);
        SchedulerLoop loop = new SchedulerLoop(small, SchedulerLimits.DEFAULT,
                small.budget().orElseGet(() -> new KvBudget(Long.MAX_VALUE)).join(() -> {}), () -> {});
        FakeGeneration first = FakeGeneration.of(8, 6, 1);
        FakeGeneration second = FakeGeneration.of(8, 6, 2);
        loop.add(new ScheduledSequence(first, 0, OptionalLong.empty()));
        loop.add(new ScheduledSequence(second, 1, OptionalLong.empty()));
        while (loop.turn(0)) {
            // until both have ended
        }
        assertThat(first.finished).isPresent();
        assertThat(second.finished).isPresent();
        assertThat(loop.pauses()).isPositive();
        assertThat(loop.counts().steps()).isEqualTo(small.steps.size());
    }
}
