// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.calibrate.QualityBudget.Measure;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.evaluate.AnswerKind;
import io.github.chaijlama.evaluate.AnswerLoss;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.ExactAnswer;

import static org.assertj.core.api.Assertions.assertThat;

/** A run that one version was stopped in goes on with the next, so what is saved stays as it is. */
class CalibrationStateTests {
    private static final String FILE = """
            {"key":"k","layers":[{"samples":1,"errors":[2.5,0.0],"products":[4.0,0.0,0.0,1.0],\
            "similarities":[1.0,0.0,0.0,1.0],"outputs":[0.0,3.0,5.0,0.0]}],\
            "losses":{"replacements[0, 1, 0]":{"divergence":{"value":0.25,"standardError":"NaN"},\
            "logLossDifference":{"value":-0.5,"standardError":0.125},"accuracyDrop":null,"agreement":0.75,\
            "kvSaving":0.25},"search[2, 1]":{"divergence":{"value":0.25,"standardError":"NaN"},\
            "logLossDifference":{"value":-0.5,"standardError":0.125},\
            "accuracyDrop":{"value":0.03125,"standardError":0.5},"agreement":0.75,"kvSaving":0.25}}}""";

    @TempDir
    Path directory;

    private static QualityLoss loss(Optional<Estimate> accuracyDrop) {
        return new QualityLoss(new Estimate(0.25, Double.NaN), new Estimate(-0.5, 0.125), accuracyDrop, 0.75, 0.25);
    }

    private CalibrationState state() {
        return new CalibrationState(Optional.of(directory.resolve("state")), "k", 0);
    }

    @Test
    void writesWhatItAlwaysWrote() {
        LayerStatistics layer = new LayerStatistics(2);
        HeadGram products = new HeadGram(2);
        products.append(new double[][]{ { 2, 0 }, { 0, 1 } });
        layer.add(products, new double[]{ 2.5, 0 });
        layer.heads().outputs().add(new double[]{ 0, 3, 5, 0 });
        CalibrationState state = state();
        state.setLayers(List.of(layer));
        state.putLoss("search" + new ClusterCounts(List.of(2, 1)), loss(Optional.of(new Estimate(0.03125, 0.5))));
        state.putLoss("replacements" + new HeadReplacement(0, 1, 0), loss(Optional.empty()));
        state.save();

        assertThat(directory.resolve("state")).hasContent(FILE);
    }

    @Test
    void readsWhatItAlwaysWrote() throws IOException {
        Files.writeString(directory.resolve("state"), FILE);
        CalibrationState state = state();
        state.resume(CalibrationProgress.NONE);

        assertThat(state.loss("search[2, 1]")).hasValue(loss(Optional.of(new Estimate(0.03125, 0.5))));
        assertThat(state.loss("replacements[0, 1, 0]")).hasValue(loss(Optional.empty()));
        assertThat(state.loss("search[2, 2]")).isEmpty();
        LayerStatistics layer = LayerStatistics.of(2, state.layers().getFirst());
        assertThat(layer.samples()).isEqualTo(1);
        assertThat(layer.heads().outputs().distance(1, 0)).isEqualTo(5);
        state.save();
        assertThat(directory.resolve("state")).hasContent(FILE);
    }

    @Test
    void optionsAreKnownAgainByTheWordsTheyAlwaysHad() {
        MembershipChoice membership = new MembershipChoice(MembershipChoice.Kind.STATIC, 16, 0,
                ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST, HeadDistance.WEIGHTED);

        assertThat(new CalibrationOptions(membership, 128, 64, 42, 0.1,
                Optional.of(new QualityBudget(Measure.PERPLEXITY_INCREASE, 0.01)), 1000, false).key())
                .isEqualTo("CalibrationOptions[membership=MembershipChoice[kind=STATIC, window=16, offset=0, "
                        + "algorithm=AGGLOMERATIVE, representative=FIRST, distance=WEIGHTED], samples=128, "
                        + "heldOut=64, seed=42, maxResidual=0.1, budget=at most 1.000 % more perplexity, "
                        + "maxMeasurements=1000, beyond=false]");
        assertThat(new CalibrationOptions(membership, 128, 64, 42, 0.1, Optional.empty(), 1000, true).key())
                .contains("budget=null, ").endsWith("beyond=true]");
    }

    @Test
    void answersComeBackAsTheyWere() {
        QualityLoss loss = new QualityLoss(new Estimate(0.25, 0.5), new Estimate(-0.5, 0.125), Optional.empty(), 0.75,
                0.25, 0.375, List.of(new AnswerLoss(AnswerKind.STRUCTURED, 5, 3, 1)));
        CalibrationState written = state();
        written.putLoss("search[2, 2]", loss);
        written.putAnswers("search", List.of(new ExactAnswer(AnswerKind.FIRST_MESSAGE, new int[]{ 1, 2 },
                new int[]{ 3, 4 }, new boolean[]{ true, false })));
        written.save();
        CalibrationState read = state();
        read.resume(CalibrationProgress.NONE);

        assertThat(read.loss("search[2, 2]")).hasValue(loss);
        assertThat(read.answers("verify")).isEmpty();
        assertThat(read.answers("search").orElseThrow()).singleElement().satisfies(answer -> {
            assertThat(answer.kind()).isEqualTo(AnswerKind.FIRST_MESSAGE);
            assertThat(answer.prompt()).containsExactly(1, 2);
            assertThat(answer.tokens()).containsExactly(3, 4);
            assertThat(answer.sure()).containsExactly(true, false);
        });
    }

    @Test
    void withoutAFileNothingIsSaved() {
        CalibrationState state = new CalibrationState(Optional.empty(), "k", 0);
        state.putLoss("search[1]", loss(Optional.empty()));
        state.saveIfDue();
        state.resume(CalibrationProgress.NONE);

        assertThat(directory).isEmptyDirectory();
        assertThat(state.loss("search[1]")).isPresent();
    }
}
