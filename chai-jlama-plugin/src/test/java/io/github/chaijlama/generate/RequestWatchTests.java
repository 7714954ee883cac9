// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.prefix.KvCacheFigures;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What is counted and told of requests is what whoever asked has seen. */
class RequestWatchTests {
    private static final int END = 1;

    /** A listener that remembers. */
    private static final class Heard implements RequestListener {
        final List<Duration> firstTokens = new CopyOnWriteArrayList<>();
        final List<AnsweredRequest> answers = new CopyOnWriteArrayList<>();
        final List<Throwable> failures = new CopyOnWriteArrayList<>();

        @Override
        public void onFirstToken(Duration sinceStart) {
            firstTokens.add(sinceStart);
        }

        @Override
        public void onAnswer(AnsweredRequest request) {
            answers.add(request);
        }

        @Override
        public void onFailure(Throwable error, Duration sinceStart) {
            assertThat(sinceStart).isPositive();
            failures.add(error);
        }
    }

    /** Loads Pocket, whose answers are these tokens, then end tokens. */
    private static TextModel load(ChaiOptions options, boolean scheduled, int... script) {
        return TextModel.load(TestModels.POCKET, options, sampling -> {
            int[] at = { 0 };
            return logits -> at[0] < script.length ? script[at[0]++] : END;
        }, scheduled ? Optional.of(SchedulerLimits.DEFAULT.withMaxPromptTokens(200)) : Optional.empty());
    }

    private static ChaiOptions clustered() {
        return ChaiOptions.clustered(ClusterProfile.read(TestModels.POCKET_PROFILE));
    }

    private static int[] prompt(int tokens, int seed) {
        return IntStream.concat(IntStream.of(0), IntStream.range(1, tokens).map(i -> 300 + (i * 7 + seed) % 200))
                .toArray();
    }

    private static GenerationResult ask(TextModel model, int[] prompt) {
        return model.complete(prompt, GenerationOptions.DEFAULT, GenerationListener.NONE, new Cancellation());
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void tokensAreThoseOfTheResults(boolean scheduled) {
        try (TextModel model = load(clustered(), scheduled, 310, 311, 312)) {
            Heard heard = new Heard();
            model.addListener(heard);
            GenerationResult first = ask(model, prompt(90, 1));
            GenerationResult again = ask(model, prompt(90, 1));

            assertThat(again.reusedTokens()).isEqualTo(89);
            assertThat(model.requestFigures()).isEqualTo(new RequestFigures(180, 89, 8));
            assertThat(first.generatedTokens() + again.generatedTokens()).isEqualTo(8);
            assertThat(heard.answers).extracting(AnsweredRequest::result).containsExactly(first, again);
            assertThat(heard.answers.getFirst().prompt()).containsExactly(prompt(90, 1));
            assertThat(heard.answers.getFirst().answer()).containsExactly(310, 311, 312);
            assertThat(heard.firstTokens).hasSize(2).allMatch(Duration::isPositive);
            assertThat(heard.firstTokens.getFirst()).isLessThanOrEqualTo(first.duration());

            model.removeListener(heard);
            ask(model, prompt(20, 2));
            assertThat(heard.answers).hasSize(2);
            assertThat(model.requestFigures().promptTokens()).isEqualTo(200);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void anAnswerThatIsAnEndTokenOnlyHasAFirstToken(boolean scheduled) {
        try (TextModel model = load(clustered(), scheduled)) {
            Heard heard = new Heard();
            model.addListener(heard);
            GenerationResult result = ask(model, prompt(10, 1));
            assertThat(heard.firstTokens).containsExactly(result.timeToFirstToken());
            assertThat(heard.answers.getFirst().answer()).isEmpty();
            assertThat(model.requestFigures()).isEqualTo(new RequestFigures(10, 0, 1));
        }
    }

    @Test
    void longAnswersAreRememberedWhole() {
        int[] script = IntStream.range(0, 150).map(i -> 300 + i).toArray();
        try (TextModel model = load(clustered(), true, script)) {
            Heard heard = new Heard();
            model.addListener(heard);
            ask(model, prompt(10, 1));
            assertThat(heard.answers.getFirst().answer()).containsExactly(script);
        }
    }

    @Test
    void whatFailsAndWhatIsRefusedIsToldAsThat() {
        try (TextModel model = load(clustered(), true, 310)) {
            Heard heard = new Heard();
            model.addListener(new RequestListener() {
                @Override
                public void onFailure(Throwable error, Duration sinceStart) {
                    throw new IllegalStateException("a listener that fails keeps nobody from hearing");
                }
            });
            model.addListener(heard);
            List<Throwable> thrown = new ArrayList<>();
            for (int tokens : new int[]{ 201, model.model().config().contextLength() + 1 }) {
                assertThatThrownBy(() -> ask(model, prompt(tokens, 1))).satisfies(thrown::add);
            }
            assertThat(thrown.getLast()).isInstanceOf(ContextLengthException.class);
            assertThat(heard.failures).isEqualTo(thrown);
            assertThat(heard.answers).isEmpty();
            assertThat(heard.firstTokens).isEmpty();
            assertThat(model.requestFigures()).isEqualTo(new RequestFigures(0, 0, 0));
        }
    }

    @Test
    void whoeverIsTurnedAwayAtTheGateIsToldAsThat() {
        try (TextModel model = load(clustered(), true, 310)) {
            List<Throwable> failures = new ArrayList<>();
            model.addListener(new RequestListener() {
                @Override
                public void onFailure(Throwable error, Duration sinceStart) {
                    assertThat(sinceStart).isZero();
                    failures.add(error);
                }
            });
            model.gate().shut();
            List<Throwable> thrown = new ArrayList<>();
            assertThatThrownBy(() -> ask(model, prompt(10, 1))).satisfies(thrown::add);
            assertThatThrownBy(() -> model.chat(prompt(10, 1), GenerationOptions.DEFAULT, GenerationListener.NONE,
                    new Cancellation())).satisfies(thrown::add);
            model.gate().open();
            thrown.add(model.gate().refuse());
            assertThat(failures).hasSize(3).isEqualTo(thrown).allMatch(StoppingException.class::isInstance);
            ask(model, prompt(10, 1));
            assertThat(failures).hasSize(3);
        }
    }

    @Test
    void memoryThatOnlyIdleSequencesHaveIsNotUsed() {
        try (TextModel model = load(clustered(), true, 310)) {
            assertThat(model.kvCacheFigures().orElseThrow().idleSequences()).isZero();
            ask(model, prompt(150, 1));
            ask(model, prompt(150, 1)); // the same sequence
            KvCacheFigures one = model.kvCacheFigures().orElseThrow();
            int[] other = prompt(150, 1);
            System.arraycopy(prompt(20, 9), 1, other, 130, 19);
            ask(model, other); // shares pages with it
            KvCacheFigures two = model.kvCacheFigures().orElseThrow();

            assertThat(one.idleSequences()).isEqualTo(1);
            assertThat(one.usedBytes()).isZero();
            assertThat(one.usage()).isZero();
            assertThat(one.idleBytes()).isPositive().isEqualTo(model.model().kvCacheAllocatedBytes());
            assertThat(two.usedBytes()).isZero();
            assertThat(two.idleBytes()).isEqualTo(model.model().kvCacheAllocatedBytes());
            model.closeIdleSequences();
            assertThat(model.kvCacheFigures().orElseThrow().idleBytes()).isZero();
        }
    }

    @Test
    void theDefaultAttentionOfRequestsCanBeChanged() {
        try (TextModel model = load(clustered(), true, 310)) {
            assertThat(model.defaultAttention()).isEqualTo(AttentionMode.CLUSTERED);
            model.setDefaultAttention(AttentionMode.EXACT);
            assertThat(model.defaultAttention()).isEqualTo(AttentionMode.EXACT);
            assertThat(ask(model, prompt(10, 1)).attention()).isEqualTo(AttentionMode.EXACT);
            assertThat(model.complete(prompt(10, 2), GenerationOptions.DEFAULT.withAttention(AttentionMode.CLUSTERED),
                    GenerationListener.NONE, new Cancellation()).attention()).isEqualTo(AttentionMode.CLUSTERED);
            assertThatThrownBy(() -> model.setDefaultAttention(AttentionMode.STOCK))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a model loaded for CLUSTERED attention cannot run STOCK sequences");
        }
        try (TextModel model = load(ChaiOptions.exact(), true, 310)) {
            assertThatThrownBy(() -> model.setDefaultAttention(AttentionMode.CLUSTERED))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("needs a cluster profile");
        }
    }
}
