// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The scheduler's thread, and those who talk to it. */
@Timeout(120)
class SchedulerTests {
    private final FakeSessions sessions = new FakeSessions(10_000);

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Lets steps wait until the latch is down. */
    private CountDownLatch holdSteps(CountDownLatch begun) {
        CountDownLatch held = new CountDownLatch(1);
        sessions.beforeStep = runs -> {
            begun.countDown();
            await(held);
        };
        return held;
    }

    @Test
    void requestsThatComeAtAnyTimeFromAnyThreadAreAllAnswered() throws Exception {
        try (Scheduler scheduler = Scheduler.start(sessions, SchedulerLimits.DEFAULT.withRequests(5, 1000));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<FakeGeneration>> clients = new ArrayList<>();
            for (int client = 0; client < 400; client++) {
                int seed = client;
                clients.add(() -> {
                    SplittableRandom random = new SplittableRandom(seed);
                    TimeUnit.MICROSECONDS.sleep(random.nextInt(20_000));
                    FakeGeneration generation = FakeGeneration.of(1 + random.nextInt(30), 1 + random.nextInt(30), seed);
                    generation.ready = random.nextInt(4) > 0;
                    scheduler.submit(generation);
                    TimeUnit.MICROSECONDS.sleep(random.nextInt(500));
                    generation.cancelled = random.nextInt(10) == 0;
                    generation.ready = true;
                    scheduler.wake();
                    await(generation.end);
                    return generation;
                });
            }
            for (Future<FakeGeneration> client : threads.invokeAll(clients)) {
                FakeGeneration generation = client.get();
                generation.assertIsAsIfAlone();
                assertThat(generation.finished.isPresent()).isNotEqualTo(generation.wasCancelled.isPresent());
            }
            assertThat(scheduler.waiting()).isZero();
        }
        assertThat(sessions.pool.allocatedBytes()).isZero();
    }

    @Test
    void oneTooManyIsRefusedAtOnceAndTakenOnLater() {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch held = holdSteps(begun);
        try (Scheduler scheduler = Scheduler.start(sessions, SchedulerLimits.DEFAULT.withRequests(1, 2))) {
            List<FakeGeneration> taken = List.of(FakeGeneration.of(3, 3, 1), FakeGeneration.of(3, 3, 2),
                    FakeGeneration.of(3, 3, 3));
            scheduler.submit(taken.getFirst());
            await(begun);
            taken.subList(1, 3).forEach(scheduler::submit);
            FakeGeneration refused = FakeGeneration.of(3, 3, 4);
            assertThatThrownBy(() -> scheduler.submit(refused)).isInstanceOf(BusyException.class)
                    .hasMessage("too many requests: 1 are answered at once and 2 wait already; try again later");
            assertThat(scheduler.running()).isEqualTo(1);
            assertThat(scheduler.waiting()).isEqualTo(2);
            held.countDown();
            taken.forEach(each -> await(each.end));
            scheduler.submit(refused);
            await(refused.end);
            assertThat(refused.finished).isPresent();
            assertThat(scheduler.running()).isZero();
            assertThat(scheduler.waiting()).isZero();
        }
    }

    @Test
    void aPromptAboveTheLimitIsRefusedBeforeAnyWork() {
        try (Scheduler scheduler = Scheduler.start(sessions, SchedulerLimits.DEFAULT.withMaxPromptTokens(10))) {
            assertThatThrownBy(() -> scheduler.submit(FakeGeneration.of(11, 1, 1)))
                    .isInstanceOf(PromptTooLongException.class)
                    .hasMessage("the prompt has 11 tokens, at most 10 are taken on");
            FakeGeneration fits = FakeGeneration.of(10, 1, 1);
            scheduler.submit(fits);
            await(fits.end);
        }
        assertThat(sessions.steps).hasSize(1);
    }

    @Test
    void aTimeLimitNeedsNobodyToCallForIt() {
        try (Scheduler scheduler = Scheduler.start(sessions,
                SchedulerLimits.DEFAULT.withTimeLimit(Duration.ofMillis(50)))) {
            FakeGeneration stuck = FakeGeneration.of(3, 3, 1);
            stuck.ready = false;
            scheduler.submit(stuck);
            await(stuck.end);
            assertThat(stuck.failed.orElseThrow()).isInstanceOf(TimeLimitException.class);
        }
    }

    @Test
    void whoWaitsForItsReaderCanBeCancelled() {
        try (Scheduler scheduler = Scheduler.start(sessions, SchedulerLimits.DEFAULT)) {
            FakeGeneration stuck = FakeGeneration.of(3, 3, 1);
            stuck.ready = false;
            scheduler.submit(stuck);
            stuck.cancelled = true;
            scheduler.wake();
            await(stuck.end);
            assertThat(stuck.wasCancelled).isPresent();
        }
    }

    @Test
    void closingEndsEverythingAndNothingComesAfter() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch held = holdSteps(begun);
        Scheduler scheduler = Scheduler.start(sessions, SchedulerLimits.DEFAULT.withRequests(1, 5));
        List<FakeGeneration> all = List.of(FakeGeneration.of(3, 300, 1), FakeGeneration.of(3, 3, 2));
        scheduler.submit(all.getFirst());
        await(begun);
        scheduler.submit(all.getLast());
        Thread closing = Thread.ofVirtual().start(scheduler::close);
        while (closing.getState() != Thread.State.WAITING) { // for the step that is held
            TimeUnit.MILLISECONDS.sleep(1);
        }
        held.countDown();
        all.forEach(each -> await(each.end));
        assertThat(all).allSatisfy(each -> assertThat(each.failed.orElseThrow())
                .isInstanceOf(IllegalStateException.class).hasMessage("the model is closed"));
        scheduler.close();
        assertThatThrownBy(() -> scheduler.submit(FakeGeneration.of(3, 3, 1))).hasMessage("the model is closed");
        assertThat(sessions.pool.allocatedBytes()).isZero();
        closing.join();
    }

    @Test
    void aModelThatFailsEndsWhatItWasAskedForAndNothingElse() {
        try (Scheduler scheduler = Scheduler.start(sessions, SchedulerLimits.DEFAULT)) {
            sessions.beforeStep = runs -> {
                throw new IllegalStateException("step");
            };
            FakeGeneration first = FakeGeneration.of(3, 3, 1);
            scheduler.submit(first);
            await(first.end);
            assertThat(first.failed.orElseThrow()).hasMessage("step");
            sessions.beforeStep = runs -> {};
            FakeGeneration second = FakeGeneration.of(3, 3, 1);
            scheduler.submit(second);
            await(second.end);
            assertThat(second.finished).isPresent();
        }
    }

    @Test
    void impossibleLimitsSayWhatWasExpectedAndFound() {
        assertThatThrownBy(() -> SchedulerLimits.DEFAULT.withRequests(0, 1))
                .hasMessage("sequences at once must be 1 or more, found 0");
        assertThatThrownBy(() -> SchedulerLimits.DEFAULT.withRequests(1, -1))
                .hasMessage("waiting requests must be 0 or more, found -1");
        assertThatThrownBy(() -> SchedulerLimits.DEFAULT.withTimeLimit(Duration.ZERO))
                .hasMessage("a time limit must be more than 0 and at most PT876000H, found PT0S");
        assertThatThrownBy(() -> SchedulerLimits.DEFAULT.withTimeLimit(Duration.ofSeconds(Long.MAX_VALUE)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SchedulerLimits.DEFAULT.withMaxPromptTokens(0))
                .hasMessage("tokens of a prompt must be 1 or more, found 0");
        assertThatThrownBy(() -> SchedulerLimits.DEFAULT.withTokens(0, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SchedulerLimits.DEFAULT.withTokens(1, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
