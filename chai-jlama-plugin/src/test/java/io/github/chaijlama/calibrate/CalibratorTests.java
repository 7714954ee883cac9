// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.calibrate.QualityBudget.Measure;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ProfileException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class CalibratorTests {
    private static final CalibrationJson.Origin ORIGIN = new CalibrationJson.Origin("test", null, "test");
    private static ChaiModel model;

    @TempDir
    Path directory;

    @BeforeAll
    static void load() {
        model = ChaiModel.load(GoldenCases.directory("gqa"), ChaiOptions.exact());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static List<int[]> texts(int count) {
        List<int[]> texts = new ArrayList<>();
        for (int text = 0; text < count; text++) {
            texts.add(TestModels.tokens(20 + text, 256, text));
        }
        return texts;
    }

    private static MembershipChoice membership(MembershipChoice.Kind kind, int window) {
        return new MembershipChoice(kind, window, 0, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID,
                HeadDistance.OUTPUT);
    }

    private static CalibrationOptions options(MembershipChoice membership, QualityBudget budget) {
        return new CalibrationOptions(membership, 10, 10, 1, 0.5, budget, 40, false);
    }

    private static CalibrationOptions budgeted() {
        return options(membership(MembershipChoice.Kind.STATIC, 5), new QualityBudget(Measure.DIVERGENCE, 0.01));
    }

    private static Calibrator calibrator(CalibrationOptions options, CalibrationProgress progress) {
        return new Calibrator(model, options, progress, Duration.ZERO);
    }

    private static String json(Calibration calibration) {
        return CalibrationJson.toJson(calibration, ORIGIN).toPrettyString();
    }

    /** Remembers notes, and fails or interrupts after so many reports. */
    private static final class Recorder implements CalibrationProgress {
        private final List<String> notes = new ArrayList<>();
        private final Runnable atEnd;
        private int left;

        Recorder(int reports, Runnable atEnd) {
            this.left = reports;
            this.atEnd = atEnd;
        }

        @Override
        public void report(String phase, long done, long total) {
            assertThat(done).isBetween(1L, total);
            if (--left == 0) {
                atEnd.run();
            }
        }

        @Override
        public void note(String message) {
            notes.add(message);
        }
    }

    @ParameterizedTest
    @EnumSource(MembershipChoice.Kind.class)
    void makesAProfileThatTheModelTakesAndOthersRefuse(MembershipChoice.Kind kind) {
        Calibration calibration = calibrator(options(membership(kind, 7), null), CalibrationProgress.NONE)
                .calibrate(texts(8), null);

        ClusterProfile profile = ClusterProfile.parse(json(calibration), "test");
        assertThat(profile).isEqualTo(calibration.profile());
        assertThat(profile.membership()).isInstanceOf(
                switch (kind) {
                    case STATIC -> Membership.Static.class;
                    case PROMPT -> Membership.Prompt.class;
                    case ONLINE -> Membership.Online.class;
                });
        assertThat(profile.clusters()).hasSize(3).isEqualTo(
                calibration.layers().stream().map(LayerRedundancy::clusters).toList());
        assertThat(calibration.samples()).isEqualTo(4);
        model.newSession(profile).close();
        assertThatThrownBy(() -> ChaiModel.load(GoldenCases.directory("gqa"),
                ChaiOptions.clustered(profile.withFingerprint("sha256:other"))))
                .isInstanceOf(ProfileException.class).hasMessageContaining(model.fingerprint())
                .hasMessageContaining("sha256:other");
    }

    private static CalibrationOptions statics(HeadDistance distance) {
        return options(new MembershipChoice(MembershipChoice.Kind.STATIC, 5, 0, ClusteringAlgorithm.AGGLOMERATIVE,
                RepresentativeChoice.MEDOID, distance), new QualityBudget(Measure.DIVERGENCE, 0.01));
    }

    @ParameterizedTest
    @EnumSource(HeadDistance.class)
    void everyDistanceKeepsTheBudgetAndGoesOnWhereItWasStopped(HeadDistance distance) {
        Calibration calibration = calibrator(statics(distance), CalibrationProgress.NONE).calibrate(texts(12), null);
        assertThat(calibration.search().budget().allows(calibration.loss())).isTrue();

        Path state = directory.resolve("state");
        Recorder failing = new Recorder(9, () -> {
            throw new IllegalStateException("power failure");
        });
        assertThatThrownBy(() -> calibrator(statics(distance), failing).calibrate(texts(12), state))
                .hasMessage("power failure");
        assertThat(json(calibrator(statics(distance), CalibrationProgress.NONE).calibrate(texts(12), state)))
                .isEqualTo(json(calibration));
    }

    @Test
    void theSameInputsGiveTheSameBytesWhateverTheThreads() {
        String expected = json(calibrator(budgeted(), CalibrationProgress.NONE).calibrate(texts(12), null));
        try (ChaiModel one = ChaiModel.load(GoldenCases.directory("gqa"), ChaiOptions.exact().withThreads(1))) {
            Calibration again = new Calibrator(one, budgeted(), CalibrationProgress.NONE).calibrate(texts(12), null);

            assertThat(json(again)).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 3, 6, 9, 13 })
    void aRunThatWasStoppedGoesOnToTheSameResult(int reports) {
        String expected = json(calibrator(budgeted(), CalibrationProgress.NONE).calibrate(texts(12), null));
        Path state = directory.resolve("profile.json.state");
        Recorder failing = new Recorder(reports, () -> {
            throw new IllegalStateException("power failure");
        });
        assertThatThrownBy(() -> calibrator(budgeted(), failing).calibrate(texts(12), state))
                .hasMessage("power failure");
        assertThat(directory.toFile().list()).containsExactly("profile.json.state");

        Recorder resuming = new Recorder(-1, () -> {});
        assertThat(json(calibrator(budgeted(), resuming).calibrate(texts(12), state))).isEqualTo(expected);
        assertThat(resuming.notes).singleElement().asString().contains("going on where a stopped run left off");
        Calibrator.deleteState(state);
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void anInterruptedThreadLeavesTheStateAndSaysSo() {
        Path state = directory.resolve("state");
        Recorder interrupting = new Recorder(2, () -> Thread.currentThread().interrupt());

        assertThatThrownBy(() -> new Calibrator(model, budgeted(), interrupting).calibrate(texts(12), state))
                .isInstanceOf(CalibrationException.class).hasMessageContaining("goes on where it stopped");
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(state).exists();
    }

    @Test
    void aStateOfOtherInputsOrOfNothingIsNotUsed() throws IOException {
        Path state = directory.resolve("state");
        calibrator(budgeted(), CalibrationProgress.NONE).calibrate(texts(12), state);
        String expected = json(calibrator(budgeted(), CalibrationProgress.NONE).calibrate(texts(13), null));

        Recorder other = new Recorder(-1, () -> {});
        assertThat(json(calibrator(budgeted(), other).calibrate(texts(13), state))).isEqualTo(expected);
        assertThat(other.notes).singleElement().asString().contains("starting anew").contains("other inputs");

        Files.writeString(state, "{\"key\": 7, \"layers\": ");
        Recorder broken = new Recorder(-1, () -> {});
        assertThat(json(calibrator(budgeted(), broken).calibrate(texts(13), state))).isEqualTo(expected);
        assertThat(broken.notes).singleElement().asString().contains("starting anew").contains("cannot be read");
    }

    @Test
    void tooFewOrTooShortTextsSaySo() {
        MembershipChoice online = membership(MembershipChoice.Kind.ONLINE, 30);
        QualityBudget budget = new QualityBudget(Measure.DIVERGENCE, 0.01);

        assertThatThrownBy(() -> calibrator(options(online, null), CalibrationProgress.NONE).calibrate(texts(1), null))
                .isInstanceOf(CalibrationException.class).hasMessageContaining("at least 2 texts, found 1");
        assertThatThrownBy(
                () -> calibrator(options(online, budget), CalibrationProgress.NONE).calibrate(texts(3), null))
                .isInstanceOf(CalibrationException.class).hasMessageContaining("at least 4 texts, found 3");
        assertThatThrownBy(() -> calibrator(options(online, null), CalibrationProgress.NONE).calibrate(texts(6), null))
                .isInstanceOf(CalibrationException.class).hasMessageContaining("too short")
                .hasMessageContaining("30 tokens");
        assertThatThrownBy(() -> calibrator(
                options(membership(MembershipChoice.Kind.STATIC, 5), new QualityBudget(Measure.ACCURACY_DROP, 0.01)),
                CalibrationProgress.NONE).calibrate(texts(8), null))
                .isInstanceOf(CalibrationException.class).hasMessageContaining("needs tasks");
    }

    @Test
    void theStateCannotBeWrittenWhereThereIsNoDirectory() {
        assertThatThrownBy(() -> calibrator(budgeted(), CalibrationProgress.NONE).calibrate(texts(12),
                directory.resolve("missing").resolve("state"))).isInstanceOf(CalibrationException.class)
                .hasMessageContaining("cannot be written").hasMessageContaining("does not exist");
    }

    @Test
    void aBudgetIsKeptOnTheTextsThatVerify() {
        Calibration calibration = calibrator(budgeted(), CalibrationProgress.NONE).calibrate(texts(12), null);

        assertThat(calibration.search().sensitivities()).extracting(LayerSensitivity::layer).contains(0, 1, 2);
        assertThat(calibration.loss()).isEqualTo(calibration.search().verified().loss());
        assertThat(calibration.search().budget().allows(calibration.loss())).isTrue();
    }

    @Test
    void whatIsMeasuredOnWasNotLookedAt() {
        List<int[]> texts = texts(12);
        TextSplit split = TextSplit.of(texts, budgeted());

        List<int[]> all = new ArrayList<>(split.samples());
        all.addAll(split.search());
        all.addAll(split.verify());
        assertThat(all).doesNotHaveDuplicates().hasSize(12);
        assertThat(split.samples()).hasSize(6);
        assertThat(split.search()).hasSize(3);
        assertThat(TextSplit.of(texts, budgeted())).isEqualTo(split);
    }

    @Test
    void manyHeadsAreTriedInEighths() {
        assertThat(Calibrator.ladder(8, 3)).containsExactly(8, 7, 6, 5, 4, 3, 2, 1);
        assertThat(Calibrator.ladder(32, 5)).containsExactly(32, 28, 24, 20, 16, 12, 8, 5, 4, 1);
        assertThat(Calibrator.ladder(1, 1)).containsExactly(1);
    }
}
