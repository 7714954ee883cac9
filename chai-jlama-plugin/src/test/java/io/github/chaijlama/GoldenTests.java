// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.GoldenCases.GoldenCase;

import static org.assertj.core.api.Assertions.assertThat;

/** Every golden case, cut in different ways: logits, members and representatives as the float64 reference has them. */
@Tag("operators")
class GoldenTests {
    private static final Map<Operators, ChaiModel> MHA = new EnumMap<>(Operators.class);
    private static final Map<Operators, ChaiModel> GQA = new EnumMap<>(Operators.class);

    @BeforeAll
    static void load() {
        for (Operators operators : TestOperators.all()) {
            ChaiOptions options = TestOperators.exact(operators);
            MHA.put(operators, ChaiModel.load(GoldenCases.directory("mha"), options));
            GQA.put(operators, ChaiModel.load(GoldenCases.directory("gqa"), options));
        }
    }

    @AfterAll
    static void close() {
        MHA.values().forEach(ChaiModel::close);
        GQA.values().forEach(ChaiModel::close);
        MHA.clear();
        GQA.clear();
    }

    private static ChaiModel model(GoldenCase golden, Operators operators) {
        return (golden.model().equals("mha") ? MHA : GQA).get(operators);
    }

    static Stream<Arguments> cases() {
        return GoldenCases.all().stream().flatMap(golden -> TestOperators.all().stream().flatMap(
                operators -> Stream.of(1, 2, 3, 7, 4096).map(batch -> Arguments.of(golden, operators, batch))));
    }

    static Stream<Arguments> casesWhole() {
        return GoldenCases.all().stream()
                .flatMap(golden -> TestOperators.all().stream().map(operators -> Arguments.of(golden, operators)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void matchesTheReference(GoldenCase golden, Operators operators, int batch) {
        ChaiModel model = model(golden, operators);
        try (ChaiSession session = golden.profile() == null ? model.newSession(AttentionMode.EXACT)
                : model.newSession(golden.profile())) {
            float[] logits = feed(session, golden.tokens(), batch);

            assertThat(maxDifference(logits, golden.logits())).isLessThan(golden.tolerance());
            if (golden.layers() != null) {
                List<?> layers = Stream.iterate(0, layer -> layer + 1).limit(golden.layers().size())
                        .map(session::clusters).toList();
                assertThat(layers).isEqualTo(golden.layers());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("casesWhole")
    void clusteringIsVisible(GoldenCase golden, Operators operators) {
        ChaiModel model = model(golden, operators);
        try (ChaiSession session = model.newSession(AttentionMode.EXACT)) {
            float[] exact = feed(session, golden.tokens(), 4096);

            assertThat(maxDifference(exact, golden.logits())).isCloseTo(golden.maxDifferenceFromExact(),
                    org.assertj.core.api.Assertions.within(golden.tolerance()));
        }
    }

    private static float[] feed(ChaiSession session, int[] tokens, int batch) {
        float[] logits = null;
        for (int from = 0; from < tokens.length; from += batch) {
            logits = session.feed(Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + batch)));
        }
        return logits;
    }

    private static double maxDifference(float[] a, float[] b) {
        assertThat(a).hasSameSizeAs(b);
        double max = 0;
        for (int i = 0; i < a.length; i++) {
            max = Math.max(max, Math.abs(a[i] - b[i]));
        }
        return max;
    }
}
