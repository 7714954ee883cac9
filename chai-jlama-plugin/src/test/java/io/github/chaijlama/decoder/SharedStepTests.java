// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.decoder.LoadedDecoder.Alone;
import io.github.chaijlama.families.FamilyModels;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.profile.ClusterProfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Sequences that share a step, each as if it were alone: whatever the others are, and whatever is wanted of them. */
@Tag("operators")
class SharedStepTests {
    private static final double TOLERANCE = 1e-4;
    private static final long BUDGET = 64L << 20;
    /** Positions that the third sequence looks at before it decides which heads belong together. */
    private static final int WINDOW = 9;
    private static final int OFFSET = 2;
    /**
     * Tokens of each sequence in each step, 0 where it takes no part: prompts beside single tokens, and the window of
     * the third sequence ending inside the second step.
     */
    private static final int[][] STEPS = { { 7, 1, 5 }, { 1, 40, 30 }, { 1, 0, 1 }, { 130, 1, 1 }, { 0, 1, 2 },
            { 1, 1, 1 }, { 3, 17, 1 } };

    @TempDir
    static Path directory;

    /** A family, or one of the golden models. */
    private static Path model(String name) {
        return name.startsWith("golden ") ? GoldenCases.directory(name.substring("golden ".length()))
                : FamilyModels.write(directory.resolve(name), name);
    }

    static List<String> models() {
        return List.of("golden mha", "golden gqa", "llama-gqa", "gemma2", "qwen2-window", "mixtral", "gpt2");
    }

    private static List<int[]> tokens(LoadedDecoder model) {
        return IntStream.range(0, 3).mapToObj(each -> TestModels.tokens(150, model.config.vocabularySize(), each))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("models")
    void eachSequenceIsAsIfItWereAlone(String name) {
        try (LoadedDecoder model = new LoadedDecoder(model(name), BUDGET)) {
            List<ClusterProfile> profiles = List.of(model.exact(), model.fixed(), model.online(WINDOW, OFFSET));
            List<int[]> tokens = tokens(model);
            List<Alone> alone = IntStream.range(0, 3)
                    .mapToObj(each -> model.alone(profiles.get(each), tokens.get(each), stepsOf(each))).toList();
            assertClusteringIsVisible(model, alone);
            for (int first = 0; first < 3; first++) {
                List<AttentionSequence> sequences = profiles.stream().map(model::newSequence).toList();
                for (int step = 0; step < STEPS.length; step++) {
                    assertStepIsAsIfAlone(model, sequences, tokens, alone, step, first);
                }
                sequences.forEach(model.decoder::end);
            }
        }
    }

    /**
     * Takes a step of all sequences.
     *
     * @param first which of them comes first
     */
    private static void assertStepIsAsIfAlone(LoadedDecoder model, List<AttentionSequence> sequences,
            List<int[]> tokens, List<Alone> alone, int step, int first) {
        List<StepRun> runs = new ArrayList<>();
        List<float[]> expected = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            int each = (first + i) % 3;
            int count = STEPS[step][each];
            if (count > 0) {
                int wanted = Math.min(count, List.of(0, 1, 2, count).get((step + each) % 4));
                int from = sequences.get(each).length();
                runs.add(new StepRun(sequences.get(each), tokens.get(each), from, count, wanted));
                expected.addAll(alone.get(each).logits().subList(from + count - wanted, from + count));
            }
        }

        float[][] logits = model.decoder.step(runs);

        assertThat(logits).as("step %d", step).hasNumberOfRows(expected.size());
        for (int row = 0; row < logits.length; row++) {
            assertThat(TestModels.maxDifference(logits[row], expected.get(row))).as("step %d, row %d", step, row)
                    .isLessThan(TOLERANCE);
        }
        for (int each = 0; each < 3; each++) {
            assertThat(model.clusters(sequences.get(each))).as("step %d, sequence %d", step, each)
                    .isEqualTo(alone.get(each).clusters().get(step));
            assertThat(sequences.get(each).length())
                    .isEqualTo(stepsOf(each).stream().limit(step + 1).mapToInt(Integer::intValue).sum());
        }
    }

    private static List<Integer> stepsOf(int sequence) {
        return Stream.of(STEPS).map(step -> step[sequence]).toList();
    }

    /** The window ends where it is said to, and what it decides is not what every sequence has anyway. */
    private static void assertClusteringIsVisible(LoadedDecoder model, List<Alone> alone) {
        HeadClusters identity = HeadClusters.identity(model.config.numberOfHeads());
        List<List<HeadClusters>> online = alone.get(2).clusters();
        assertThat(online.getFirst()).containsOnly(identity);
        assertThat(online.get(1)).doesNotContain(identity).isNotEqualTo(alone.get(1).clusters().get(1));
        assertThat(alone.get(0).clusters().getLast()).containsOnly(identity);
    }

    @ParameterizedTest
    @MethodSource("models")
    void aStepThatDoesNotFitIntoTheBudgetChangesNothing(String name) {
        Path path = model(name);
        try (LoadedDecoder probe = new LoadedDecoder(path, BUDGET)) {
            // A page of keys and of values for each sequence, and half of what two more pages would take.
            long page = 2L * probe.config.heads(0).numberOfKvHeads() * probe.config.layers()
                    * probe.decoder.pool().pageBytes();
            int tokensOfPage = probe.decoder.pool().pageBytes() / Float.BYTES / probe.config.heads(0).headSize();
            List<List<Integer>> steps = List.of(List.of(tokensOfPage - 8, 20, 1), List.of(tokensOfPage - 18, 30),
                    List.of(5, 10, 1));
            List<ClusterProfile> profiles = List.of(probe.exact(), probe.exact(), probe.online(WINDOW, OFFSET));
            List<int[]> tokens = tokens(probe);
            List<Alone> alone = IntStream.range(0, 3)
                    .mapToObj(each -> probe.alone(profiles.get(each), tokens.get(each), steps.get(each))).toList();
            try (LoadedDecoder model = new LoadedDecoder(path, 4 * page + page / 2)) {
                for (int first = 0; first < 3; first++) {
                    List<AttentionSequence> sequences = profiles.stream().map(model::newSequence).toList();
                    model.decoder.step(runs(sequences, tokens, steps, 0, first));
                    assertStepChangesNothing(model, sequences, runs(sequences, tokens, steps, 1, first));
                    // Without the one that is too many it goes on from where everything was, window and all.
                    model.decoder.end(sequences.get(1));
                    for (int step = 1; step < 3; step++) {
                        assertRestGoesOn(model, sequences, tokens, steps, alone, step, first);
                    }
                    assertThat(model.clusters(sequences.get(2))).isEqualTo(alone.get(2).clusters().getLast());
                    sequences.forEach(model.decoder::end);
                    assertThat(model.decoder.pool().allocatedBytes()).isZero();
                }
            }
        }
    }

    private static void assertStepChangesNothing(LoadedDecoder model, List<AttentionSequence> sequences,
            List<StepRun> runs) {
        List<Integer> lengths = sequences.stream().map(AttentionSequence::length).toList();
        List<Long> held = sequences.stream().map(AttentionSequence::allocatedBytes).toList();
        List<List<HeadClusters>> clusters = sequences.stream().map(model::clusters).toList();
        long allocated = model.decoder.pool().allocatedBytes();

        assertThatThrownBy(() -> model.decoder.step(runs)).isInstanceOf(KvCacheFullException.class);

        assertThat(sequences).noneMatch(AttentionSequence::isInStep);
        assertThat(sequences.stream().map(AttentionSequence::length)).isEqualTo(lengths);
        assertThat(sequences.stream().map(AttentionSequence::allocatedBytes)).isEqualTo(held);
        assertThat(sequences.stream().map(model::clusters)).isEqualTo(clusters);
        assertThat(model.decoder.pool().allocatedBytes()).isEqualTo(allocated);
    }

    private static void assertRestGoesOn(LoadedDecoder model, List<AttentionSequence> sequences, List<int[]> tokens,
            List<List<Integer>> steps, List<Alone> alone, int step, int first) {
        List<StepRun> runs = runs(sequences, tokens, steps, step, first).stream()
                .filter(run -> run.sequence() != sequences.get(1)).toList();
        float[][] logits = model.decoder.step(runs);
        for (int i = 0; i < runs.size(); i++) {
            List<float[]> expected = alone.get(sequences.indexOf(runs.get(i).sequence())).logits();
            assertThat(TestModels.maxDifference(logits[i], expected.get(runs.get(i).from() + runs.get(i).count() - 1)))
                    .as("step %d", step).isLessThan(TOLERANCE);
        }
    }

    /** The next step of every sequence that has one. */
    private static List<StepRun> runs(List<AttentionSequence> sequences, List<int[]> tokens,
            List<List<Integer>> steps, int step, int first) {
        return IntStream.range(0, 3).map(i -> (first + i) % 3).filter(each -> step < steps.get(each).size())
                .mapToObj(each -> new StepRun(sequences.get(each), tokens.get(each), sequences.get(each).length(),
                        steps.get(each).get(step), 1))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("models")
    void aSequenceThatCannotTakeTheStepStopsNoOther(String name) {
        try (LoadedDecoder model = new LoadedDecoder(model(name), BUDGET)) {
            AttentionSequence open = model.newSequence(model.exact());
            AttentionSequence closed = model.newSequence(model.exact());
            model.decoder.end(closed);
            int[] tokens = { 1, 2, 3 };
            StepRun good = new StepRun(open, tokens, 0, 3, 1);
            StepRun bad = new StepRun(closed, tokens, 0, 3, 1);
            for (List<StepRun> runs : List.of(List.of(bad, good), List.of(good, bad), List.of(good, good))) {
                assertThatThrownBy(() -> model.decoder.step(runs)).isInstanceOf(IllegalStateException.class);
                assertThat(open.isInStep()).isFalse();
                assertThat(open.length()).isZero();
                assertThat(model.decoder.pool().allocatedBytes()).isZero();
            }
            float[] expected = model.alone(model.exact(), tokens, List.of(3)).logits().getLast();
            assertThat(TestModels.maxDifference(model.decoder.step(List.of(good))[0], expected))
                    .isLessThan(TOLERANCE);
        }
    }
}
