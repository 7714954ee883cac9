// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.evaluate.Task.Choice;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class TaskEvaluatorTests {
    /** Token 3 ends an answer. */
    private static final int END = 3;
    private static final double[][] EXACT = { { 0.1, 0.5, 0.3, 0.1 }, { 0.1, 0.2, 0.6, 0.1 }, { 0.1, 0.2, 0.3, 0.4 },
            { 0.25, 0.25, 0.25, 0.25 } };
    private static final double[][] OTHER = { { 0.1, 0.2, 0.6, 0.1 }, { 0.1, 0.5, 0.3, 0.1 }, { 0.1, 0.2, 0.3, 0.4 },
            { 0.25, 0.25, 0.25, 0.25 } };

    private static Choice choice(int characters, int... tokens) {
        return new Choice(tokens, characters);
    }

    private static FakeModel model() {
        return new FakeModel().arm("exact", 10, EXACT).arm("other", 6, OTHER);
    }

    private static TaskEvaluation evaluate(FakeModel model, Task... tasks) {
        return new TaskEvaluator(model, token -> token == END, List.of(tasks)).evaluate(
                List.of(new Arm("other", Optional.empty(), KvType.F32)),
                Progress.NONE);
    }

    @Test
    void choosesByTheSumOfLogLikelihoodsAndByThatPerCharacter() {
        // After token 0: choice A is token 1 (0.5); choice B is tokens 1, 2 (0.5 * 0.6), but ten characters long.
        Task task = new Task("k", new int[]{ 3, 0 }, List.of(choice(2, 1), choice(10, 1, 2)), 1, Optional.empty());
        FakeModel model = model();
        TaskEvaluation evaluation = evaluate(model, task);
        TaskMeasures exact = evaluation.exact().overall().measures();
        assertThat(exact.accuracy().value()).isZero();
        assertThat(exact.normalizedAccuracy().value()).isEqualTo(1);
        assertThat(exact.exactMatch().value()).isEqualTo(1);
        assertThat(exact.answerLoss().value()).isCloseTo(-Math.log(0.5 * 0.6), within(1e-6));

        TaskGroup other = evaluation.arms().getFirst().overall();
        assertThat(other.measures().answerLoss().value()).isCloseTo(-Math.log(0.2 * 0.3), within(1e-6));
        assertThat(other.measures().exactMatch().value()).isZero();
        assertThat(other.differences().exactMatch().value()).isEqualTo(-1);
        assertThat(other.differences().answerLoss().value())
                .isCloseTo(Math.log(0.5 * 0.6) - Math.log(0.2 * 0.3), within(1e-6));
        assertThat(evaluation.arms().getFirst().kvCacheRelative()).isCloseTo(0.6, within(1e-12));
        // The prompt ran once for each arm, and the last token of a choice not at all.
        assertThat(model.fed()).isEqualTo(2 * (2 + 1));
        assertThat(model.open()).isZero();
    }

    @Test
    void ofEqualChoicesTheFirstIsTaken() {
        Task first = new Task("k", new int[]{ 3 }, List.of(choice(1, 1), choice(1, 2)), 0, Optional.empty());
        Task second = new Task("k", new int[]{ 3 }, List.of(choice(1, 1), choice(1, 2)), 1, Optional.empty());
        assertThat(evaluate(model(), first).exact().overall().measures().accuracy().value()).isEqualTo(1);
        assertThat(evaluate(model(), second).exact().overall().measures().accuracy().value()).isZero();
    }

    @Test
    void aFullAnswerMustBeGreedyAndEnd() {
        List<Choice> choices = List.of(choice(1, 1), choice(1, 2));
        // Greedy from 0: 1, 2, end.
        Task ends = new Task("k", new int[]{ 0 }, choices, 0, Optional.of(choice(2, 1, 2)));
        Task goesOn = new Task("k", new int[]{ 0 }, choices, 0, Optional.of(choice(1, 1)));
        Task differs = new Task("k", new int[]{ 0 }, choices, 0, Optional.of(choice(2, 2, 2)));
        assertThat(evaluate(model(), ends).exact().overall().measures().exactMatch().value()).isEqualTo(1);
        assertThat(evaluate(model(), goesOn).exact().overall().measures().exactMatch().value()).isZero();
        assertThat(evaluate(model(), differs).exact().overall().measures().exactMatch().value()).isZero();
        assertThat(evaluate(model(), differs).exact().overall().measures().answerLoss().value())
                .isCloseTo(-Math.log(0.3 * 0.3), within(1e-6));
    }

    @Test
    void differencesArePairedAndGroupedByKind() {
        List<Choice> choices = List.of(choice(1, 1), choice(1, 2));
        // Exact takes choice 0 after token 0 and choice 1 after token 1; the other arm the reverse.
        Task a = new Task("a", new int[]{ 0 }, choices, 0, Optional.empty());
        Task b = new Task("b", new int[]{ 0 }, choices, 1, Optional.empty());
        Task c = new Task("b", new int[]{ 1 }, choices, 1, Optional.empty());
        Task d = new Task("b", new int[]{ 2 }, choices, 1, Optional.empty());
        TaskResult other = evaluate(model(), a, b, c, d).arms().getFirst();
        // Differences: -1, 1, -1, 0.
        double mean = -0.25;
        double squares = 0.75 * 0.75 + 1.25 * 1.25 + 0.75 * 0.75 + 0.25 * 0.25;
        assertThat(other.overall().differences().accuracy().value()).isCloseTo(mean, within(1e-12));
        assertThat(other.overall().differences().accuracy().standardError())
                .isCloseTo(Math.sqrt(squares / 3 / 4), within(1e-12));
        assertThat(other.overall().measures().accuracy().value()).isCloseTo(0.5, within(1e-12));
        assertThat(other.kinds()).extracting(TaskGroup::kind).containsExactly("a", "b");
        assertThat(other.kinds()).extracting(TaskGroup::tasks).containsExactly(1L, 3L);
        assertThat(other.kinds().getLast().differences().accuracy().value()).isCloseTo(0, within(1e-12));
        assertThat(other.kinds().getFirst().differences().accuracy().standardError()).isNaN();
    }

    @Test
    void aSharedPromptGivesWhatASequenceForEachChoiceGives() {
        try (ChaiModel model = ChaiModel.load(GoldenCases.directory("mha"), ChaiOptions.exact())) {
            int[] prompt = TestModels.tokens(30, 256, 7);
            Task task = new Task("k", prompt, List.of(choice(1, 5, 9, 200), choice(1, 7), choice(1, 33, 8)), 2,
                    Optional.of(choice(1, 33, 8, 11, 12)));
            // Clusters are decided within the prompt, after it, or within a choice.
            for (int window : new int[]{ 5, 30, 31, 33, 100 }) {
                ClusterProfile profile = new ClusterProfile(model.config().shape(), List.of(8, 4, 2),
                        new Membership.Online(window, 0, ClusteringAlgorithm.AGGLOMERATIVE,
                                RepresentativeChoice.FIRST));
                Arm arm = new Arm("a", profile);
                TaskScorer.Scored scored = new TaskScorer(ModelSequences.of(model), arm, token -> false).score(task);
                double loss = 0;
                try (ChaiSession session = model.newSession(profile)) {
                    float[] logits = session.feed(prompt);
                    assertThat(scored.kvCacheBytes()).isEqualTo(session.kvCacheBytes());
                    for (int token : task.target().orElseThrow().tokens()) {
                        loss -= Distribution.of(logits).logProbability(token);
                        logits = session.feed(token);
                    }
                }
                assertThat(scored.score().answerLoss()).as("window %d", window).isCloseTo(loss, within(1e-4));
            }
            assertThat(model.kvCacheAllocatedBytes()).isZero();
        }
    }

    @Test
    void clustersOfThePromptAreInUseForTheChoices() {
        try (ChaiModel model = ChaiModel.load(GoldenCases.directory("mha"), ChaiOptions.exact())) {
            int[] prompt = TestModels.tokens(30, 256, 7);
            Task task = new Task("k", prompt, List.of(choice(1, 5, 9, 200), choice(1, 33, 8)), 1,
                    Optional.of(choice(1, 33, 8, 11, 12)));
            ClusterProfile profile = new ClusterProfile(model.config().shape(), List.of(8, 2, 1),
                    new Membership.Prompt(ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST));
            TaskScorer.Scored scored = new TaskScorer(ModelSequences.of(model), new Arm("prompt", profile),
                    token -> false).score(task);
            double loss = 0;
            try (ChaiSession session = model.newSession(profile)) {
                float[] logits = session.feed(prompt);
                session.endPrompt();
                assertThat(scored.kvCacheBytes()).isEqualTo(session.kvCacheBytes());
                for (int token : task.target().orElseThrow().tokens()) {
                    loss -= Distribution.of(logits).logProbability(token);
                    logits = session.feed(token);
                }
            }
            assertThat(scored.score().answerLoss()).isCloseTo(loss, within(1e-4));
            double exact = new TaskScorer(ModelSequences.of(model), Arm.EXACT, token -> false).score(task).score()
                    .answerLoss();
            assertThat(loss).isNotCloseTo(exact, within(1e-3));
        }
    }

    @Test
    void refusesToEvaluateNothing() {
        assertThatThrownBy(() -> evaluate(model())).isInstanceOf(IllegalArgumentException.class);
    }
}
