// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.families.FamilyModels;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A session that says where its prompt ends gives the same numbers, to the last bit, however its prompt is sliced, its
 * answer is fed, and whatever shares its steps.
 */
class SameBitsTests {
    private static final int PROMPT = 300;
    private static final int ANSWER = 12;

    @TempDir
    static Path directory;

    static Stream<Arguments> models() {
        Stream<Arguments> families = Stream.of("golden mha", "golden gqa", "gemma2", "qwen2-window", "mixtral", "gpt2")
                .map(name -> Arguments.of(name, KvType.F32));
        return Stream.concat(families, Stream.of("golden gqa", "qwen2-window")
                .flatMap(name -> Stream.of(KvType.BF16, KvType.I8).map(type -> Arguments.of(name, type))));
    }

    private static ChaiModel load(String name) {
        Path path = name.startsWith("golden ") ? GoldenCases.directory(name.substring("golden ".length()))
                : FamilyModels.write(directory.resolve(name), name);
        return ChaiModel.load(path, ChaiOptions.exact()
                .with(change -> change.operators(Operators.VECTOR).threads(2).kvCacheMaxBytes(256L << 20)));
    }

    private static List<ClusterProfile> profiles(ModelConfig config) {
        List<Integer> clusters = Collections.nCopies(config.layers(),
                Math.max(1, config.numberOfHeads() / 2));
        return List.of(ClusterProfile.exact(config.shape()), TestModels.randomStatic(config.shape(), 5),
                new ClusterProfile(config.shape(), clusters,
                        new Membership.Online(17, 2, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID)),
                new ClusterProfile(config.shape(), clusters, new Membership.Prompt(
                        ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID)));
    }

    /** What a session gives for its prompt and for each token of its answer, alone and all at once. */
    private static List<float[]> alone(ChaiModel model, ClusterProfile profile, KvType type, int[] tokens,
            int prompt) {
        List<float[]> logits = new ArrayList<>();
        try (ChaiSession session = model.newSession(profile, type)) {
            session.beginPrompt();
            logits.add(session.feed(Arrays.copyOf(tokens, prompt)));
            session.endPrompt();
            for (int at = prompt; at < tokens.length; at++) {
                logits.add(session.feed(tokens[at]));
            }
        }
        return logits;
    }

    @ParameterizedTest
    @MethodSource("models")
    void slicesAndNeighboursChangeNoBit(String name, KvType type) {
        try (ChaiModel model = load(name)) {
            SplittableRandom random = new SplittableRandom(7);
            int context = model.config().contextLength();
            int prompt = Math.min(PROMPT, context - ANSWER - 1);
            List<ClusterProfile> profiles = profiles(model.config());
            List<int[]> tokens = IntStream.range(0, profiles.size())
                    .mapToObj(each -> TestModels.tokens(prompt - each + ANSWER, model.config().vocabularySize(), each))
                    .toList();
            List<List<float[]>> alone = IntStream.range(0, profiles.size())
                    .mapToObj(each -> alone(model, profiles.get(each), type, tokens.get(each), prompt - each))
                    .toList();
            assertSharedStepsAreAlike(model, profiles, type, tokens, alone, random);
        }
    }

    /** Takes steps of random sessions with random numbers of rows until all have seen everything. */
    private static void assertSharedStepsAreAlike(ChaiModel model, List<ClusterProfile> profiles, KvType type,
            List<int[]> tokens, List<List<float[]>> alone, SplittableRandom random) {
        List<ChaiSession> sessions = profiles.stream().map(profile -> model.newSession(profile, type)).toList();
        sessions.forEach(ChaiSession::beginPrompt);
        int compared = 0;
        while (IntStream.range(0, 4).anyMatch(each -> sessions.get(each).length() < tokens.get(each).length)) {
            List<SessionRun> runs = new ArrayList<>();
            for (int each = 0; each < sessions.size(); each++) {
                int length = sessions.get(each).length();
                int prompt = tokens.get(each).length - ANSWER;
                int left = (length < prompt ? prompt : tokens.get(each).length) - length;
                if (left > 0 && random.nextInt(4) > 0) {
                    int most = length < prompt ? random.nextInt(3) == 0 ? 2 : 90 : 3;
                    runs.add(new SessionRun(sessions.get(each), tokens.get(each), length,
                            1 + random.nextInt(Math.min(left, most)), 1));
                }
            }
            if (runs.isEmpty()) {
                continue;
            }
            float[][] logits = model.step(runs);
            for (int i = 0; i < runs.size(); i++) {
                int each = sessions.indexOf(runs.get(i).session());
                int behindPrompt = sessions.get(each).length() - (tokens.get(each).length - ANSWER);
                if (behindPrompt >= 0) {
                    assertSameBits(logits[i], alone.get(each).get(behindPrompt),
                            "session " + each + ", token " + behindPrompt + " of the answer");
                    compared++;
                }
                if (behindPrompt == 0) {
                    sessions.get(each).endPrompt();
                }
            }
        }
        assertThat(compared).isGreaterThan(20);
        sessions.forEach(ChaiSession::close);
    }

    @ParameterizedTest
    @MethodSource("models")
    void aCopiedBeginningChangesNoBit(String name, KvType type) {
        try (ChaiModel model = load(name)) {
            int prompt = Math.min(PROMPT, model.config().contextLength() - ANSWER - 1);
            int[] tokens = TestModels.tokens(prompt + ANSWER, model.config().vocabularySize(), 3);
            for (ClusterProfile profile : profiles(model.config()).subList(0, 3)) {
                List<float[]> alone = alone(model, profile, type, tokens, prompt);
                try (ChaiSession first = model.newSession(profile, type)) {
                    first.beginPrompt();
                    first.feed(Arrays.copyOf(tokens, prompt));
                    for (int common : new int[]{ 40, prompt - 1 }) {
                        try (ChaiSession second = first.copy(common)) {
                            second.beginPrompt();
                            assertSameBits(second.feed(Arrays.copyOfRange(tokens, common, prompt)),
                                    alone.getFirst(), "end of the prompt");
                            second.endPrompt();
                            assertSameBits(second.feed(Arrays.copyOfRange(tokens, prompt, tokens.length)),
                                    alone.getLast(), "end of the answer");
                        }
                    }
                }
            }
        }
    }

    private static void assertSameBits(float[] logits, float[] expected, String what) {
        assertThat(Arrays.equals(logits, expected))
                .as("%s: largest difference %s", what, TestModels.maxDifference(logits, expected)).isTrue();
    }
}
