// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.kv.PagePool;

import static org.assertj.core.api.Assertions.assertThat;

/** Schedulers of several models with one budget for keys and values. */
@Timeout(120)
class SharedBudgetTests {
    private static final int PAGE_BYTES = 8;
    /** The longest request below has 60 tokens, two for each page. */
    private static final int PAGES = 34;

    private static void await(FakeGeneration generation) throws InterruptedException {
        assertThat(generation.end.await(60, TimeUnit.SECONDS)).as("ends").isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = { 2, 3 })
    void allAnswersComeToTheirEndAndNoneIsChangedByAnother(int models) throws Exception {
        KvBudget budget = new KvBudget(PAGES * PAGE_BYTES);
        List<FakeSessions> sessions = new ArrayList<>();
        List<Scheduler> schedulers = new ArrayList<>();
        List<FakeGeneration> all = new ArrayList<>();
        try {
            for (int model = 0; model < models; model++) {
                FakeSessions each = new FakeSessions(budget);
                each.beforeStep = runs -> assertThat(budget.takenBytes()).isLessThanOrEqualTo(budget.maxBytes());
                sessions.add(each);
                schedulers.add(Scheduler.start(each, SchedulerLimits.DEFAULT.withTokens(16, 4).withRequests(4, 1000)));
            }
            SplittableRandom random = new SplittableRandom(1);
            for (int request = 0; request < 300; request++) {
                FakeGeneration generation = FakeGeneration.of(1 + random.nextInt(30), 1 + random.nextInt(30), request);
                all.add(generation);
                schedulers.get(request % models).submit(generation);
            }
            for (FakeGeneration generation : all) {
                await(generation);
                generation.assertIsAsIfAlone();
                assertThat(generation.failed).isEmpty();
                assertThat(generation.finished).isPresent();
            }
            assertThat(schedulers.stream().mapToLong(Scheduler::pauses).sum()).as("memory was short").isPositive();
        } finally {
            schedulers.forEach(Scheduler::close);
            sessions.forEach(each -> each.pool.close());
        }
        assertThat(budget.takenBytes()).isZero();
    }

    @Test
    void whoDoesNotReadGivesWayToAnotherModel() throws Exception {
        KvBudget budget = new KvBudget(PAGES * PAGE_BYTES);
        FakeSessions one = new FakeSessions(budget);
        FakeSessions other = new FakeSessions(budget);
        try (Scheduler slow = Scheduler.start(one, SchedulerLimits.DEFAULT);
                Scheduler scheduler = Scheduler.start(other, SchedulerLimits.DEFAULT)) {
            FakeGeneration unread = FakeGeneration.of(40, 10, 1);
            CountDownLatch begun = new CountDownLatch(1);
            one.beforeStep = runs -> {
                unread.ready = false; // its prompt is its first step, and there is no second one
                begun.countDown();
            };
            slow.submit(unread);
            assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
            FakeGeneration read = FakeGeneration.of(50, 10, 2);
            scheduler.submit(read);
            await(read);
            assertThat(read.finished).isPresent();

            one.beforeStep = runs -> {};
            unread.ready = true;
            slow.wake();
            await(unread);
            unread.assertIsAsIfAlone();
            assertThat(unread.finished).isPresent();
        } finally {
            one.pool.close();
            other.pool.close();
        }
    }

    @Test
    void aRequestFailsWhenNobodyHasMemoryToGive() throws Exception {
        KvBudget budget = new KvBudget(PAGES * PAGE_BYTES);
        FakeSessions one = new FakeSessions(budget);
        FakeSessions other = new FakeSessions(budget);
        try (PagePool outside = new PagePool(budget, PAGE_BYTES);
                PagePool.Reservation reservation = outside.reserve(PAGES / 2, 0);
                Scheduler idle = Scheduler.start(other, SchedulerLimits.DEFAULT);
                Scheduler scheduler = Scheduler.start(one, SchedulerLimits.DEFAULT)) {
            FakeGeneration generation = FakeGeneration.of(50, 10, 1);
            scheduler.submit(generation);
            await(generation);
            assertThat(generation.failed.orElseThrow()).isInstanceOf(KvCacheFullException.class);

            FakeGeneration shorter = FakeGeneration.of(10, 10, 1);
            idle.submit(shorter);
            await(shorter);
            assertThat(shorter.finished).as("the turn of who has failed is over").isPresent();
            assertThat(reservation.remaining()).isEqualTo(PAGES / 2);
        } finally {
            one.pool.close();
            other.pool.close();
        }
    }
}
