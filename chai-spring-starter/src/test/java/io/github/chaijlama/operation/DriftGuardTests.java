// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.evaluate.Expectations;
import io.github.chaijlama.evaluate.TextLoss;
import io.github.chaijlama.generate.AnsweredRequest;
import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.GenerationListener;
import io.github.chaijlama.generate.GenerationOptions;
import io.github.chaijlama.generate.RequestListener;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.langchain4j.HeldEngine;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.schedule.SchedulerLimits;
import io.github.chaijlama.spring.ChaiAutoConfiguration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/** Which requests are checked, what comes of it, and that nobody else notices. */
@Timeout(180)
class DriftGuardTests {
    private static final int[] PROMPT = IntStream.range(0, 40).map(i -> 300 + i * 7 % 150).toArray();

    private static ClusterProfile profile() {
        return ClusterProfile.read(Pocket.PROFILE);
    }

    private static ClusterProfile with(Membership membership) {
        return new ClusterProfile(profile().model(), profile().clusters(), membership);
    }

    /** Loads a model whose answers have as many tokens as they may. */
    private static TextModel load(ChaiOptions options) {
        return TextModel.load(Pocket.MODEL, options, sampling -> {
            int[] at = { 0 };
            return logits -> 300 + at[0]++ * 11 % 150;
        }, Optional.of(SchedulerLimits.DEFAULT));
    }

    /** Asks, and returns what a listener hears of it. */
    private static AnsweredRequest ask(TextModel model, AttentionMode attention) {
        List<AnsweredRequest> heard = new ArrayList<>();
        RequestListener listener = new RequestListener() {
            @Override
            public void onAnswer(AnsweredRequest request) {
                heard.add(request);
            }
        };
        model.addListener(listener);
        model.complete(PROMPT, GenerationOptions.DEFAULT.withAttention(attention).withMaxNewTokens(20),
                GenerationListener.NONE, new Cancellation());
        model.removeListener(listener);
        return heard.getFirst();
    }

    private static void await(DriftGuard guard, long ended) throws InterruptedException {
        while (guard.figures().checked() + guard.figures().dropped() < ended) {
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    @Test
    void everyNthRequestWithClustersIsChecked() throws Exception {
        try (TextModel model = load(ChaiOptions.clustered(profile()))) {
            DriftGuard guard = new DriftGuard(model, 2, 512, figures -> {});
            try (guard) {
                for (int request = 0; request < 5; request++) {
                    ask(model, AttentionMode.CLUSTERED);
                    ask(model, AttentionMode.EXACT);
                }
                await(guard, 2);
            }
            assertThat(guard.figures().checked()).isEqualTo(2);
            assertThat(guard.figures().dropped()).isZero();
            ask(model, AttentionMode.CLUSTERED);
            assertThat(guard.figures().checked()).isEqualTo(2);
        }
    }

    @Test
    void beginsOnlyWhenNobodyHasAskedForAMoment() throws Exception {
        try (TextModel model = load(ChaiOptions.clustered(profile()))) {
            AnsweredRequest request = ask(model, AttentionMode.CLUSTERED);
            try (DriftGuard guard = new DriftGuard(model, 1, 512, figures -> {})) {
                assertThat(guard.figures().lastChecked()).isEmpty();
                Instant before = Instant.now();
                guard.onAnswer(request);
                await(guard, 1);
                assertThat(guard.figures().lastChecked().orElseThrow()).isBetween(before.plusMillis(49), Instant.now());
            }
        }
    }

    @Test
    void whatIsFoundIsWhatBothExpectOfTheWholeText() throws Exception {
        try (TextModel model = load(ChaiOptions.clustered(profile()));
                ChaiSession exact = model.model().newSession(AttentionMode.EXACT);
                ChaiSession clustered = model.model().newSession(AttentionMode.CLUSTERED);
                DriftGuard guard = new DriftGuard(model, 1, 512, figures -> {})) {
            AnsweredRequest request = ask(model, AttentionMode.CLUSTERED);
            await(guard, 1);
            int[] tokens = IntStream.concat(Arrays.stream(request.prompt()), Arrays.stream(request.answer()))
                    .toArray();
            assertThat(tokens).hasSize(PROMPT.length + 20);
            int[] seen = Arrays.copyOf(tokens, tokens.length - 1);
            TextLoss loss = Expectations.of(exact.feedAll(seen), Arrays.copyOfRange(tokens, 1, tokens.length))
                    .compare(clustered.feedAll(seen));
            assertThat(guard.figures().meanKl()).isPositive().isCloseTo(loss.meanDivergence(), within(1e-6));
            assertThat(guard.figures().agreement())
                    .isCloseTo((double) loss.agreed() / loss.predicted(), within(1e-9));
        }
    }

    @ParameterizedTest
    @CsvSource({ "STATIC, 512, 0", "ONLINE, 512, 19", "PROMPT, 512, 40", "STATIC, 30, 0", "ONLINE, 30, 19" })
    void onlyWhatWasSeenWithClustersIsCompared(String kind, int maxTokens, int first) {
        ClusterProfile profile = switch (kind) {
            case "ONLINE" -> with(new Membership.Online(16, 3, ClusteringAlgorithm.AGGLOMERATIVE,
                    RepresentativeChoice.MEDOID));
            case "PROMPT" -> with(
                    new Membership.Prompt(ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID));
            default -> profile();
        };
        try (TextModel model = load(ChaiOptions.clustered(profile))) {
            AnsweredRequest request = ask(model, AttentionMode.CLUSTERED);
            DriftCheck check = new DriftCheck(model.model(), maxTokens);
            int length = Math.min(maxTokens, PROMPT.length + request.answer().length);
            assertThat(check.isOfUse(request)).isTrue();
            AtomicInteger slices = new AtomicInteger();
            DriftCheck.Result result = check.run(request, () -> slices.incrementAndGet() > 0);
            assertThat(result.tokens()).isEqualTo(length - 1 - first);
            assertThat(result.divergence()).isPositive();
            assertThat(slices.get()).isGreaterThanOrEqualTo(Math.ceilDiv(length - 1, 16));
            assertThat(new DriftCheck(model.model(), first + 1).isOfUse(request)).isFalse();
        }
    }

    @Test
    void whoNeedsTheMemoryOfACheckGetsIt() {
        try (TextModel model = load(ChaiOptions.clustered(profile()))) {
            AnsweredRequest request = ask(model, AttentionMode.CLUSTERED);
            model.closeIdleSequences();
            DriftCheck check = new DriftCheck(model.model(), 512);
            AtomicInteger slices = new AtomicInteger();
            assertThatThrownBy(() -> check.run(request, () -> {
                if (slices.incrementAndGet() == 2) {
                    assertThat(model.model().kvCacheAllocatedBytes()).isPositive();
                    assertThat(check.giveWay()).isTrue();
                    assertThat(model.model().kvCacheAllocatedBytes()).isZero();
                }
                return true;
            })).isInstanceOf(DriftCheck.DroppedException.class);
            assertThat(check.giveWay()).isFalse();
            assertThatThrownBy(() -> check.run(request, () -> false)).isInstanceOf(DriftCheck.DroppedException.class);
            assertThat(model.model().kvCacheAllocatedBytes()).isZero();
        }
    }

    @Test
    void waitsForRequestsAndDropsWhatIsTooMuch() throws Exception {
        HeldEngine held = new HeldEngine("held", SchedulerLimits.DEFAULT, ChaiOptions.clustered(profile()));
        TextModel model = held.engine().textModel();
        try (TextModel free = load(ChaiOptions.clustered(profile()));
                ExecutorService threads = Executors.newCachedThreadPool()) {
            AnsweredRequest request = ask(free, AttentionMode.CLUSTERED);
            Future<?> running = threads.submit(() -> model.complete(PROMPT, GenerationOptions.DEFAULT,
                    GenerationListener.NONE, new Cancellation()));
            held.awaitStep();
            try (DriftGuard guard = new DriftGuard(model, 1, 512, figures -> {})) {
                for (int i = 0; i < 12; i++) {
                    guard.onAnswer(request);
                }
                // Four wait, and one more if the guard has taken the first by then.
                assertThat(guard.figures().dropped()).isIn(7L, 8L);
                assertThat(guard.figures().checked()).isZero();
                held.letGo();
                running.get();
                await(guard, 13); // the one that was held, too
                assertThat(guard.figures().checked()).isEqualTo(13 - guard.figures().dropped()).isPositive();
            }
        } finally {
            held.engine().close();
        }
    }

    @Test
    void takesNoMoreThanItsShareOfTheMemory() throws Exception {
        long budget;
        try (TextModel model = load(ChaiOptions.clustered(profile()))) {
            long page = model.model().kvCacheMaxBytes() / model.model().kvCachePagesPerHead();
            budget = 12 * page;
        }
        try (TextModel model = load(
                ChaiOptions.clustered(profile()).with(change -> change.kvCacheMaxBytes(budget)));
                DriftGuard guard = new DriftGuard(model, 1, 512, figures -> {})) {
            ask(model, AttentionMode.CLUSTERED);
            await(guard, 1);
            assertThat(guard.figures().dropped()).isEqualTo(1);
            assertThat(guard.figures().checked()).isZero();
            assertThat(guard.figures().meanKl()).isNaN();
        }
    }

    @Test
    void isOffUnlessItIsAskedFor() {
        ApplicationContextRunner runner = new ApplicationContextRunner()
                .withConfiguration(
                        AutoConfigurations.of(ChaiAutoConfiguration.class, ChaiDriftAutoConfiguration.class))
                .withPropertyValues("chai.model.path=" + Pocket.MODEL);
        runner.run(context -> assertThat(context).doesNotHaveBean(ChaiDriftGuards.class));
        runner.withPropertyValues("chai.drift.every=7")
                .run(context -> assertThat(context.getBean(ChaiDriftGuards.class).figures()).isEmpty());
        runner.withPropertyValues("chai.drift.every=7", "chai.profile=" + Pocket.PROFILE).run(context -> {
            assertThat(context.getBean(ChaiDriftGuards.class).figures()).containsOnlyKeys("pocket");
            assertThat(context.getBean(ChaiDriftGuards.class).maxKl("pocket")).isEmpty();
        });
        ApplicationContextRunner clustered = runner.withPropertyValues("chai.drift.every=7",
                "chai.profile=" + Pocket.PROFILE, "chai.calibration.max-kl=0.03");
        clustered.withPropertyValues("chai.drift.max-kl=0.02").run(
                context -> assertThat(context.getBean(ChaiDriftGuards.class).maxKl("pocket")).contains(0.02));
        clustered.run(context -> assertThat(context.getBean(ChaiDriftGuards.class).maxKl("pocket")).contains(0.03));
    }

    @ParameterizedTest
    @CsvSource({ "every, 0, Must be at least 1 request.", "max-tokens, 1, Must be at least 2 tokens.",
            "max-kl, 0, Must be more than 0 nats per token." })
    void impossibleValuesAreRefused(String property, String value, String reason) {
        Optional<String> every = property.equals("every") ? Optional.empty() : Optional.of("chai.drift.every=1");
        ApplicationContextRunner runner = new ApplicationContextRunner()
                .withConfiguration(
                        AutoConfigurations.of(ChaiAutoConfiguration.class, ChaiDriftAutoConfiguration.class))
                .withPropertyValues("chai.model.path=" + Pocket.MODEL, "chai.drift." + property + "=" + value)
                .withPropertyValues(every.stream().toArray(String[]::new));
        runner.run(context -> assertThat(context).hasFailed().getFailure().rootCause()
                .isInstanceOfSatisfying(InvalidConfigurationPropertyValueException.class, e -> {
                    assertThat(e.getName()).isEqualTo("chai.drift." + property);
                    assertThat(e.getReason()).isEqualTo(reason);
                }));
    }
}
