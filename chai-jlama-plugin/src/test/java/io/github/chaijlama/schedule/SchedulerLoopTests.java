// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.model.BrokenModelException;
import io.github.chaijlama.prefix.RequestSession;
import io.github.chaijlama.prefix.SharedSessions;
import io.github.chaijlama.schedule.FakeSessions.FakeSession;

import static org.assertj.core.api.Assertions.assertThat;

/** Turn after turn, with a model that has no arithmetic: what a step consists of, and what becomes of each request. */
class SchedulerLoopTests {
    private static final int MUCH = 100_000;

    private final FakeSessions sessions = new FakeSessions(MUCH);
    private int ended;
    private long numbers;

    private SchedulerLoop loop(SharedSessions model, SchedulerLimits limits) {
        return new SchedulerLoop(model, limits, new KvBudget(1).join(() -> {}), () -> ended++);
    }

    private FakeGeneration add(SchedulerLoop loop, FakeGeneration generation) {
        loop.add(new ScheduledSequence(generation, numbers++, OptionalLong.empty()));
        return generation;
    }

    private static void runToEnd(SchedulerLoop loop) {
        int turns = 0;
        while (loop.turn(0)) {
            assertThat(turns++).as("turns").isLessThan(MUCH);
        }
    }

    private static List<Integer> counts(List<SharedSessions.Run> step) {
        return step.stream().map(SharedSessions.Run::count).toList();
    }

    @Test
    void promptsShareAStepUpToItsBudgetInOrderOfArrival() {
        SchedulerLoop loop = loop(sessions, SchedulerLimits.DEFAULT.withTokens(100, 10));
        List<FakeGeneration> all = List.of(add(loop, FakeGeneration.of(60, 1, 1)),
                add(loop, FakeGeneration.of(70, 1, 2)),
                add(loop, FakeGeneration.of(5, 1, 3)));
        runToEnd(loop);

        assertThat(sessions.steps.stream().map(SchedulerLoopTests::counts)).containsExactly(List.of(60, 40),
                List.of(30, 5));
        all.forEach(FakeGeneration::assertIsAsIfAlone);
        assertThat(all).allMatch(each -> each.finished.isPresent());
        assertThat(ended).isEqualTo(3);
    }

    @Test
    void anAnswerWaitsForNoMoreThanASliceOfPrompts() {
        SchedulerLoop loop = loop(sessions, SchedulerLimits.DEFAULT.withTokens(100, 10));
        FakeGeneration first = add(loop, FakeGeneration.of(5, 20, 1));
        loop.turn(0);
        FakeGeneration second = add(loop, FakeGeneration.of(35, 2, 2));
        FakeGeneration third = add(loop, FakeGeneration.of(6, 2, 3));
        for (int turn = 0; turn < 6; turn++) {
            loop.turn(0);
        }

        assertThat(sessions.steps.stream().map(SchedulerLoopTests::counts)).containsExactly(List.of(5),
                List.of(1, 10), List.of(1, 10), List.of(1, 10), List.of(1, 5, 5), List.of(1, 1, 1), List.of(1, 1));
        assertThat(first.answer).hasSize(7);
        assertThat(second.finished).isPresent();
        assertThat(third.finished).isPresent();
    }

    @Test
    void noMoreThanAreAllowedShareSteps() {
        SchedulerLoop loop = loop(sessions, SchedulerLimits.DEFAULT.withRequests(3, 10));
        List<FakeGeneration> all = IntStream.range(0, 7).mapToObj(i -> add(loop, FakeGeneration.of(4, 5, i))).toList();
        runToEnd(loop);

        assertThat(sessions.steps).allMatch(step -> step.size() <= 3).anyMatch(step -> step.size() == 3);
        assertThat(all).allMatch(each -> each.finished.isPresent());
        all.forEach(FakeGeneration::assertIsAsIfAlone);
    }

    @Test
    void cancellingFreesMemoryBeforeTheNextStep() {
        SchedulerLoop loop = loop(sessions, SchedulerLimits.DEFAULT);
        FakeGeneration one = add(loop, FakeGeneration.of(10, 100, 1));
        FakeGeneration other = add(loop, FakeGeneration.of(10, 5, 2));
        loop.turn(0);
        one.cancelled = true;
        sessions.beforeStep = runs -> {
            assertThat(runs).hasSize(1);
            assertThat(sessions.open).hasSize(1);
        };
        runToEnd(loop);

        assertThat(one.wasCancelled).contains(new SequenceUse(0, AttentionMode.EXACT, OptionalLong.of(40),
                new AnswerSteps(1, 0, 0)));
        assertThat(one.answer).hasSize(1);
        assertThat(other.finished).isPresent();
        assertThat(sessions.pool.allocatedBytes()).isZero();
    }

    @Test
    void aTimeLimitHoldsForThoseThatRunAndThoseThatWait() {
        SchedulerLoop loop = loop(sessions, SchedulerLimits.DEFAULT.withRequests(1, 5)
                .withTimeLimit(Duration.ofSeconds(3)));
        FakeGeneration runs = FakeGeneration.of(10, 100, 1);
        FakeGeneration waits = FakeGeneration.of(10, 100, 2);
        FakeGeneration later = FakeGeneration.of(10, 3, 3);
        loop.add(new ScheduledSequence(runs, 0, OptionalLong.of(50)));
        loop.add(new ScheduledSequence(waits, 1, OptionalLong.of(60)));
        loop.add(new ScheduledSequence(later, 2, OptionalLong.of(1000)));
        assertThat(loop.nextDeadline()).hasValue(50);
        loop.turn(49);
        assertThat(runs.hasEnded()).isFalse();
        loop.turn(60);

        assertThat(runs.failed.orElseThrow()).isInstanceOf(TimeLimitException.class)
                .hasMessage("the request took longer than PT3S");
        assertThat(waits.failed.orElseThrow()).isInstanceOf(TimeLimitException.class)
                .hasMessage("the request took longer than PT3S, and had not begun");
        runToEnd(loop);
        assertThat(later.finished).isPresent();
    }

    @Test
    void whoFailsStopsNobodyElse() {
        SchedulerLoop loop = loop(sessions, SchedulerLimits.DEFAULT);
        FakeGeneration good = add(loop, FakeGeneration.of(10, 20, 1));
        FakeGeneration sampler = add(loop, FakeGeneration.of(10, 20, 2));
        sampler.failsAt = 4;
        FakeGeneration attention = add(loop, FakeGeneration.of(10, 20, 3));
        attention.attention = AttentionMode.STOCK;
        runToEnd(loop);

        assertThat(good.finished).isPresent();
        good.assertIsAsIfAlone();
        assertThat(sampler.failed.orElseThrow()).hasMessage("sampler");
        assertThat(attention.failed.orElseThrow()).isInstanceOf(IllegalArgumentException.class);
        assertThat(sessions.pool.allocatedBytes()).isZero();
        assertThat(sessions.open).isEmpty();
    }

    @Test
    void logitsThatAreNoNumbersEndOneAnswer() {
        FakeSessions broken = new FakeSessions(MUCH);
        SharedSessions model = new SharedSessions() {
            @Override
            public RequestSession open(AttentionMode attention, int[] prompt) {
                return broken.open(attention, prompt);
            }

            @Override
            public float[][] step(List<Run> runs) {
                float[][] logits = broken.step(runs);
                if (runs.size() == 2) {
                    logits[1][5] = Float.NaN;
                }
                return logits;
            }
        };
        SchedulerLoop loop = loop(model, SchedulerLimits.DEFAULT);
        FakeGeneration good = add(loop, FakeGeneration.of(3, 4, 1));
        FakeGeneration bad = add(loop, FakeGeneration.of(3, 4, 2));
        runToEnd(loop);
        assertThat(good.finished).isPresent();
        assertThat(bad.failed.orElseThrow()).isInstanceOf(BrokenModelException.class);
    }

    /** Whether a step takes a sequence whose first token says so beyond its 20th token. */
    private static boolean isBroken(List<SharedSessions.Run> runs) {
        return runs.stream().anyMatch(run -> run.tokens()[0] % 10 == 3 && run.from() + run.count() > 20);
    }

    @Test
    void aStepThatFailsForOneStopsNobodyElse() {
        SchedulerLoop loop = loop(sessions, SchedulerLimits.DEFAULT);
        List<FakeGeneration> good = IntStream.range(2, 6).mapToObj(i -> add(loop, FakeGeneration.of(10, 30, i)))
                .toList();
        FakeGeneration bad = add(loop, FakeGeneration.of(10, 30, 31));
        bad.prompt()[0] = 13;
        sessions.beforeStep = runs -> {
            if (isBroken(runs)) {
                throw new IllegalStateException("broken");
            }
        };
        runToEnd(loop);

        assertThat(bad.failed.orElseThrow()).hasMessage("broken");
        assertThat(bad.answer).hasSize(11);
        good.forEach(each -> {
            assertThat(each.finished).isPresent();
            each.assertIsAsIfAlone();
        });
        assertThat(sessions.pool.allocatedBytes()).isZero();
        assertThat(sessions.steps.getLast()).as("they share steps again").hasSize(4);
    }

    @Test
    void whatFailsTogetherOnlyGoesOnAlone() {
        SchedulerLoop loop = loop(sessions, SchedulerLimits.DEFAULT);
        List<FakeGeneration> all = IntStream.range(0, 3).mapToObj(i -> add(loop, FakeGeneration.of(10, 30, i)))
                .toList();
        sessions.beforeStep = runs -> {
            if (runs.size() > 1) {
                throw new OutOfMemoryError("as if");
            }
        };
        runToEnd(loop);
        all.forEach(each -> {
            assertThat(each.finished).isPresent();
            each.assertIsAsIfAlone();
        });
        int fed = sessions.steps.stream().flatMap(List::stream).mapToInt(SharedSessions.Run::count).sum();
        assertThat(fed).as("tokens, a few of them again").isLessThan(3 * 39 + 3 * 3 * 14);
    }

    @Test
    void theYoungestIsPausedWhenMemoryIsShortAndGoesOnLater() {
        FakeSessions small = new FakeSessions(30);
        SchedulerLoop loop = loop(small, SchedulerLimits.DEFAULT);
        List<FakeGeneration> all = IntStream.range(0, 3).mapToObj(i -> add(loop, FakeGeneration.of(10, 30, i)))
                .toList();
        List<Integer> order = new ArrayList<>();
        for (int turn = 0; turn < MUCH && loop.turn(0); turn++) {
            for (int i = 0; i < 3; i++) {
                if (all.get(i).hasEnded() && !order.contains(i)) {
                    order.add(i);
                }
            }
        }

        assertThat(order).containsExactly(0, 1, 2);
        assertThat(all).allSatisfy(each -> {
            assertThat(each.finished).isPresent();
            assertThat(each.answer).hasSize(30);
            each.assertIsAsIfAlone();
        });
        int fed = small.steps.stream().flatMap(List::stream).mapToInt(SharedSessions.Run::count).sum();
        assertThat(fed).as("tokens fed, those of paused answers again").isBetween(3 * 39 + 10, 6 * 39);
    }

    @Test
    void onlyWhatCanNeverFitIsRefused() {
        FakeSessions small = new FakeSessions(30);
        SchedulerLoop loop = loop(small, SchedulerLimits.DEFAULT);
        FakeGeneration first = add(loop, FakeGeneration.of(20, 30, 1));
        FakeGeneration never = add(loop, FakeGeneration.of(61, 1, 2));
        FakeGeneration grows = add(loop, FakeGeneration.of(10, 60, 3));
        runToEnd(loop);

        assertThat(first.finished).isPresent();
        assertThat(never.failed.orElseThrow()).isInstanceOf(KvCacheFullException.class);
        assertThat(grows.failed.orElseThrow()).isInstanceOf(KvCacheFullException.class);
        assertThat(grows.answer).as("the tokens that fit, and the one behind them").hasSize(51);
        grows.assertIsAsIfAlone();
        first.assertIsAsIfAlone();
    }

    @Test
    void whoReadsSlowlyKeepsNobodyFromPlaceOrMemory() {
        FakeSessions small = new FakeSessions(30);
        SchedulerLoop loop = loop(small, SchedulerLimits.DEFAULT.withRequests(2, 10));
        FakeGeneration slow = add(loop, FakeGeneration.of(30, 20, 1));
        FakeGeneration alsoSlow = add(loop, FakeGeneration.of(10, 20, 2));
        loop.turn(0);
        slow.ready = false;
        alsoSlow.ready = false;
        assertThat(loop.turn(0)).isFalse();
        FakeGeneration quick = add(loop, FakeGeneration.of(40, 19, 3));
        runToEnd(loop);
        assertThat(quick.finished).isPresent();
        assertThat(slow.answer).hasSize(1);

        slow.ready = true;
        alsoSlow.ready = true;
        runToEnd(loop);
        List.of(slow, alsoSlow, quick).forEach(each -> {
            assertThat(each.finished).isPresent();
            each.assertIsAsIfAlone();
        });
    }

    static IntStream seeds() {
        return IntStream.range(0, 300);
    }

    /** Anything may happen at any time; in the end every request has had its one end, and its own tokens only. */
    @ParameterizedTest
    @MethodSource("seeds")
    void whateverHappensEveryRequestComesToItsOwnEnd(int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        FakeSessions model = new FakeSessions(20 + random.nextInt(200));
        SchedulerLimits limits = SchedulerLimits.DEFAULT.withRequests(1 + random.nextInt(6), 100)
                .withTokens(1 + random.nextInt(60), 1 + random.nextInt(20))
                .withTimeLimit(Duration.ofSeconds(1));
        SchedulerLoop loop = loop(model, limits);
        List<FakeGeneration> all = new ArrayList<>();
        int requests = 1 + random.nextInt(40);
        boolean breaks = random.nextBoolean();
        model.beforeStep = runs -> {
            assertStepIsAllowed(runs, limits);
            if (breaks && isBroken(runs)) {
                throw new IllegalStateException("broken");
            }
        };
        int quiet = 0;
        for (int now = 0; quiet < 2; now++) {
            assertThat(now).as("turns").isLessThan(50_000);
            if (all.size() < requests && random.nextInt(4) == 0) {
                FakeGeneration next = FakeGeneration.of(1 + random.nextInt(60), 1 + random.nextInt(60), all.size());
                next.failsAt = random.nextInt(10) == 0 ? random.nextInt(30) : -1;
                next.cancelsAt = random.nextInt(20) == 0 ? random.nextInt(30) : -1;
                next.hasCertain = random.nextBoolean();
                next.rightGuesses = random.nextInt(3) == 0 ? -1 : random.nextInt(101);
                loop.add(new ScheduledSequence(next, all.size(),
                        random.nextInt(10) == 0 ? OptionalLong.of(now + random.nextInt(200)) : OptionalLong.empty()));
                all.add(next);
            }
            all.forEach(each -> {
                each.ready = each.ready ? random.nextInt(50) > 0 : random.nextInt(5) == 0;
                each.cancelled |= random.nextInt(3000) == 0;
            });
            boolean over = all.size() == requests && all.stream().allMatch(FakeGeneration::hasEnded);
            boolean worked = loop.turn(now);
            assertThat(worked && over).isFalse();
            quiet = over ? quiet + 1 : 0;
            assertThat(loop.running()).isLessThanOrEqualTo(limits.maxConcurrent()).isEqualTo(model.open.size());
        }

        assertThat(ended).isEqualTo(requests);
        assertThat(loop.running() + loop.waiting()).isZero();
        assertThat(model.pool.allocatedBytes()).isZero();
        for (FakeGeneration each : all) {
            each.assertIsAsIfAlone();
            int ends = (each.finished.isPresent() ? 1 : 0) + (each.wasCancelled.isPresent() ? 1 : 0)
                    + (each.failed.isPresent() ? 1 : 0);
            assertThat(ends).isEqualTo(1);
            each.failed.filter(error -> "broken".equals(error.getMessage()))
                    .ifPresent(_ -> assertThat(each.prompt()[0] % 10).as("fails for itself").isEqualTo(3));
            assertThat(each.finished.isPresent()).isEqualTo(each.answer.size() == each.wanted());
        }
    }

    /** No step has more of prompts than it may, and no session twice. */
    private static void assertStepIsAllowed(List<SharedSessions.Run> runs, SchedulerLimits limits) {
        assertThat(runs.stream().map(SharedSessions.Run::session).distinct().count()).isEqualTo(runs.size());
        boolean answers = runs.stream().anyMatch(SchedulerLoopTests::isNextToken);
        int beyondOne = runs.stream().mapToInt(run -> run.count() - 1).sum();
        assertThat(beyondOne).isLessThanOrEqualTo(
                answers ? limits.maxSliceTokens() : Math.max(limits.maxStepTokens(), limits.maxSliceTokens()));
    }

    private static boolean isNextToken(SharedSessions.Run run) {
        return !((FakeSession) run.session()).isPrompt() && run.count() == 1 && run.logits() == 1;
    }
}
