// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.families;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.Operators;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestOperators;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Small random models of every family that is not in {@link FamilyModels}, against the logits that Hugging Face's
 * transformers 5.18 gives in double (src/test/resources/golden/families).
 */
@Tag("operators")
class GoldenFamilyTests {
    /** Of the logits' spread. */
    private static final double TOLERANCE = 1e-4;
    /** What membership is found from online, and what comes before. */
    private static final int WINDOW = 15;
    private static final int OFFSET = 2;
    /** Of the same: transformers has angles in 32 bits, whatever the rest is in. */
    private static final double TOLERANCE_OF_LOOPS = 1e-5;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** Tokens, and the logits of the last one. */
    private record Case(int[] tokens, float[] logits) {
        double spread() {
            double squares = 0;
            for (float logit : logits) {
                squares += (double) logit * logit;
            }
            return Math.sqrt(squares / logits.length);
        }
    }

    static List<String> families() throws IOException {
        try (Stream<Path> directories = Files.list(GoldenCases.directory("families"))) {
            return directories.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    private static Path directory(String family) {
        return GoldenCases.directory("families").resolve(family);
    }

    private static List<Case> cases(String family) {
        try {
            List<Case> cases = new ArrayList<>();
            for (JsonNode node : MAPPER.readTree(Files.readString(directory(family).resolve("cases.json")))
                    .path("cases")) {
                cases.add(new Case(MAPPER.convertValue(node.path("tokens"), int[].class),
                        MAPPER.convertValue(node.path("logits"), float[].class)));
            }
            return cases;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("families")
    void exactMatchesTheReferenceHoweverTokensArrive(String family) {
        for (Operators operators : TestOperators.all()) {
            try (ChaiModel model = ChaiModel.load(directory(family), TestOperators.exact(operators))) {
                for (Case golden : cases(family)) {
                    for (int batch : new int[]{ 1, 7, 4096 }) {
                        try (ChaiSession session = model.newSession()) {
                            assertClose(feed(session, golden.tokens(), batch), golden.logits(), golden.spread(),
                                    operators + ", " + golden.tokens().length + " tokens, " + batch + " at a time");
                        }
                    }
                }
            }
        }
    }

    /** The loops that clustered attention is compared with give the reference's logits where there are no clusters. */
    @ParameterizedTest
    @MethodSource("families")
    void clusteredAgreesWithPlainLoops(String family) {
        LogitsReference reference = LogitsReference.of(directory(family));
        ModelShape shape = ModelConfig.read(directory(family)).shape();
        for (Case golden : cases(family)) {
            assertThat(TestModels.maxDifference(reference.logits(golden.tokens(), null), golden.logits())
                    / golden.spread()).as("plain loops").isLessThan(TOLERANCE_OF_LOOPS);
            ClusterProfile profile = TestModels.randomStatic(shape, golden.tokens().length);
            float[] expected = reference.logits(golden.tokens(), ((Membership.Static) profile.membership()).layers());
            for (Operators operators : TestOperators.all()) {
                try (ChaiModel model = ChaiModel.load(directory(family), TestOperators.exact(operators))) {
                    for (int batch : new int[]{ 1, 4096 }) {
                        assertClose(feed(model, profile, golden.tokens(), batch), expected, golden.spread(),
                                operators + ", " + golden.tokens().length + " tokens, " + batch + " at a time");
                    }
                }
            }
        }
    }

    /** What a sequence finds on the way holds from there on, in layers with windows, sinks and angles of their own. */
    @ParameterizedTest
    @MethodSource("families")
    void clustersThatAreFoundAgreeWithPlainLoops(String family) {
        LogitsReference reference = LogitsReference.of(directory(family));
        try (ChaiModel model = ChaiModel.load(directory(family), TestOperators.exact())) {
            ModelShape shape = model.config().shape();
            for (Case golden : cases(family).stream().filter(one -> one.tokens().length > OFFSET + WINDOW).toList()) {
                for (ClusterProfile profile : profiles(shape).subList(1, 3)) {
                    int decided = profile.membership() instanceof Membership.Prompt ? golden.tokens().length / 2
                            : OFFSET + WINDOW;
                    List<HeadClusters> found = List.of();
                    float[] expected = {};
                    for (int batch : new int[]{ 1, 7, 4096 }) {
                        try (ChaiSession session = model.newSession(profile)) {
                            float[] logits = feedParts(session, profile, golden.tokens(), batch);
                            List<HeadClusters> clusters = IntStream.range(0, shape.layers())
                                    .mapToObj(session::clusters).toList();
                            if (!clusters.equals(found)) {
                                assertThat(clusters).allMatch(one -> one.numberOfClusters() < shape.heads());
                                found = clusters;
                                expected = reference.logits(golden.tokens(), found, decided);
                            }
                            assertClose(logits, expected, golden.spread(), profile.membership() + ", "
                                    + golden.tokens().length + " tokens, " + batch + " at a time");
                        }
                    }
                }
            }
        }
    }

    /** Every head its own cluster is the reference; others are not, and do not depend on how tokens arrive. */
    @ParameterizedTest
    @MethodSource("families")
    void clusteredIsTheSameHoweverTokensArrive(String family) {
        try (ChaiModel model = ChaiModel.load(directory(family), TestOperators.exact())) {
            ModelShape shape = model.config().shape();
            for (Case golden : cases(family)) {
                try (ChaiSession session = model.newSession(identity(shape))) {
                    assertClose(feed(session, golden.tokens(), 7), golden.logits(), golden.spread(), "identity");
                }
                for (ClusterProfile profile : profiles(shape)) {
                    float[] whole = feed(model, profile, golden.tokens(), 4096);
                    for (int batch : new int[]{ 1, 7 }) {
                        assertClose(feed(model, profile, golden.tokens(), batch), whole, golden.spread(),
                                profile.membership() + ", " + batch + " at a time");
                    }
                    if (golden.tokens().length == 200) {
                        assertThat(TestModels.maxDifference(whole, golden.logits())).as("clustering is visible")
                                .isGreaterThan(0.001 * golden.spread());
                    }
                }
            }
        }
    }

    private static ClusterProfile identity(ModelShape shape) {
        return new ClusterProfile(shape, Collections.nCopies(shape.layers(), shape.heads()), new Membership.Static(
                Collections.nCopies(shape.layers(), HeadClusters.identity(shape.heads()))));
    }

    private static List<ClusterProfile> profiles(ModelShape shape) {
        List<Integer> half = Collections.nCopies(shape.layers(), shape.heads() / 2);
        return List.of(TestModels.randomStatic(shape, 4),
                new ClusterProfile(shape, half,
                        new Membership.Online(WINDOW, OFFSET, ClusteringAlgorithm.AGGLOMERATIVE,
                                RepresentativeChoice.FIRST)),
                new ClusterProfile(shape, half,
                        new Membership.Prompt(ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST)));
    }

    private static float[] feed(ChaiModel model, ClusterProfile profile, int[] tokens, int batch) {
        try (ChaiSession session = model.newSession(profile)) {
            return feedParts(session, profile, tokens, batch);
        }
    }

    /** Feeds a prompt and what follows it, where membership is decided at its end. */
    private static float[] feedParts(ChaiSession session, ClusterProfile profile, int[] tokens, int batch) {
        if (tokens.length < 3 || !(profile.membership() instanceof Membership.Prompt)) {
            return feed(session, tokens, batch);
        }
        int prompt = tokens.length / 2;
        feed(session, Arrays.copyOf(tokens, prompt), batch);
        session.endPrompt();
        return feed(session, Arrays.copyOfRange(tokens, prompt, tokens.length), batch);
    }

    private static float[] feed(ChaiSession session, int[] tokens, int batch) {
        float[] logits = null;
        for (int from = 0; from < tokens.length; from += batch) {
            logits = session.feed(Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + batch)));
        }
        return logits;
    }

    private static void assertClose(float[] actual, float[] expected, double spread, String what) {
        assertThat(TestModels.maxDifference(actual, expected) / spread).as(what).isLessThan(TOLERANCE);
    }
}
