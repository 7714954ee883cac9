// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

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
import static org.assertj.core.api.Assertions.within;

class CalibratorTests {
    private static final CalibrationJson.Origin ORIGIN = new CalibrationJson.Origin("test", Optional.empty(), "test");
    private static final Optional<QualityBudget> DIVERGENCE = Optional.of(new QualityBudget(Measure.DIVERGENCE, 0.01));
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

    private static CalibrationOptions options(MembershipChoice membership, Optional<QualityBudget> budget) {
        return new CalibrationOptions(membership, 10, 10, 1, 0.5, budget, 40, false);
    }

    private static CalibrationOptions budgeted() {
        return options(membership(MembershipChoice.Kind.STATIC, 5), DIVERGENCE);
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
        Calibration calibration = calibrator(options(membership(kind, 7), Optional.empty()), CalibrationProgress.NONE)
                .calibrate(texts(8));

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
        assertThat(profile.maxDivergence()).as("it was not asked for one").isEmpty();
        model.newSession(profile).close();
        assertThatThrownBy(() -> ChaiModel.load(GoldenCases.directory("gqa"),
                ChaiOptions.clustered(profile.withFingerprint("sha256:other"))))
                .isInstanceOf(ProfileException.class).hasMessageContaining(model.fingerprint())
                .hasMessageContaining("sha256:other");
    }

    /** Layers whose heads are of different sizes, and share keys with more or fewer others. */
    @Test
    void modelsOfLayersThatAreNotAlikeAreCalibratedToo() {
        try (ChaiModel mixed = ChaiModel.load(GoldenCases.directory("families/gemma4"), ChaiOptions.exact())) {
            List<int[]> texts = IntStream.range(0, 8).mapToObj(text -> TestModels.tokens(20 + text, 64, text)).toList();
            CalibrationOptions options = options(membership(MembershipChoice.Kind.STATIC, 5), Optional.empty());
            ClusterProfile profile = new Calibrator(mixed, options, CalibrationProgress.NONE, Duration.ZERO)
                    .calibrate(texts).profile();

            assertThat(profile.model()).isEqualTo(mixed.config().shape());
            assertThat(profile.isExact()).isFalse();
            mixed.newSession(profile).close();
        }
    }

    private static CalibrationOptions statics(HeadDistance distance) {
        return options(new MembershipChoice(MembershipChoice.Kind.STATIC, 5, 0, ClusteringAlgorithm.AGGLOMERATIVE,
                RepresentativeChoice.MEDOID, distance), DIVERGENCE);
    }

    @ParameterizedTest
    @EnumSource(HeadDistance.class)
    void everyDistanceKeepsTheBudgetAndGoesOnWhereItWasStopped(HeadDistance distance) {
        Calibration calibration = calibrator(statics(distance), CalibrationProgress.NONE).calibrate(texts(12));
        assertThat(calibration.search().orElseThrow().budget().allows(calibration.loss())).isTrue();

        Path state = directory.resolve("state");
        Recorder failing = new Recorder(9, () -> {
            throw new IllegalStateException("power failure");
        });
        assertThatThrownBy(() -> calibrator(statics(distance), failing).withState(state).calibrate(texts(12)))
                .hasMessage("power failure");
        assertThat(json(calibrator(statics(distance), CalibrationProgress.NONE).withState(state).calibrate(texts(12))))
                .isEqualTo(json(calibration));
    }

    @Test
    void theSameInputsGiveTheSameBytesWhateverTheThreads() {
        String expected = json(calibrator(budgeted(), CalibrationProgress.NONE).calibrate(texts(12)));
        try (ChaiModel one = ChaiModel.load(GoldenCases.directory("gqa"),
                ChaiOptions.exact().with(change -> change.threads(1)))) {
            Calibration again = new Calibrator(one, budgeted(), CalibrationProgress.NONE).calibrate(texts(12));

            assertThat(json(again)).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 3, 6, 9, 13 })
    void aRunThatWasStoppedGoesOnToTheSameResult(int reports) {
        String expected = json(calibrator(budgeted(), CalibrationProgress.NONE).calibrate(texts(12)));
        Path state = directory.resolve("profile.json.state");
        Recorder failing = new Recorder(reports, () -> {
            throw new IllegalStateException("power failure");
        });
        assertThatThrownBy(() -> calibrator(budgeted(), failing).withState(state).calibrate(texts(12)))
                .hasMessage("power failure");
        assertThat(directory.toFile().list()).containsExactly("profile.json.state");

        Recorder resuming = new Recorder(-1, () -> {});
        assertThat(json(calibrator(budgeted(), resuming).withState(state).calibrate(texts(12)))).isEqualTo(expected);
        assertThat(resuming.notes).singleElement().asString().contains("going on where a stopped run left off");
        Calibrator.deleteState(state);
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void anInterruptedThreadLeavesTheStateAndSaysSo() {
        Path state = directory.resolve("state");
        Recorder interrupting = new Recorder(2, () -> Thread.currentThread().interrupt());

        assertThatThrownBy(() -> new Calibrator(model, budgeted(), interrupting).withState(state).calibrate(texts(12)))
                .isInstanceOf(CalibrationException.class).hasMessageContaining("goes on where it stopped");
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(state).exists();
    }

    @Test
    void aStateOfOtherInputsOrOfNothingIsNotUsed() throws IOException {
        Path state = directory.resolve("state");
        calibrator(budgeted(), CalibrationProgress.NONE).withState(state).calibrate(texts(12));
        String expected = json(calibrator(budgeted(), CalibrationProgress.NONE).calibrate(texts(13)));

        Recorder other = new Recorder(-1, () -> {});
        assertThat(json(calibrator(budgeted(), other).withState(state).calibrate(texts(13)))).isEqualTo(expected);
        assertThat(other.notes).singleElement().asString().contains("starting anew").contains("other inputs");

        Files.writeString(state, "{\"key\": 7, \"layers\": ");
        Recorder broken = new Recorder(-1, () -> {});
        assertThat(json(calibrator(budgeted(), broken).withState(state).calibrate(texts(13)))).isEqualTo(expected);
        assertThat(broken.notes).singleElement().asString().contains("starting anew").contains("cannot be read");
    }

    @Test
    void tooFewOrTooShortTextsSaySo() {
        MembershipChoice online = membership(MembershipChoice.Kind.ONLINE, 30);

        assertThatThrownBy(
                () -> calibrator(options(online, Optional.empty()), CalibrationProgress.NONE).calibrate(texts(1)))
                .isInstanceOf(CalibrationException.class).hasMessageContaining("at least 2 texts, found 1");
        assertThatThrownBy(
                () -> calibrator(options(online, DIVERGENCE), CalibrationProgress.NONE).calibrate(texts(3)))
                .isInstanceOf(CalibrationException.class).hasMessageContaining("at least 4 texts, found 3");
        assertThatThrownBy(
                () -> calibrator(options(online, Optional.empty()), CalibrationProgress.NONE).calibrate(texts(6)))
                .isInstanceOf(CalibrationException.class).hasMessageContaining("too short")
                .hasMessageContaining("30 tokens");
        assertThatThrownBy(() -> calibrator(
                options(membership(MembershipChoice.Kind.STATIC, 5),
                        Optional.of(new QualityBudget(Measure.ACCURACY_DROP, 0.01))),
                CalibrationProgress.NONE).calibrate(texts(8)))
                .isInstanceOf(CalibrationException.class).hasMessageContaining("needs tasks");
    }

    @Test
    void theStateCannotBeWrittenWhereThereIsNoDirectory() {
        assertThatThrownBy(() -> calibrator(budgeted(), CalibrationProgress.NONE).withState(
                directory.resolve("missing").resolve("state")).calibrate(texts(12)))
                .isInstanceOf(CalibrationException.class)
                .hasMessageContaining("cannot be written").hasMessageContaining("does not exist");
    }

    private static List<QualityPoint> path(Saving saving) {
        QualityBudget generous = new QualityBudget(Measure.DIVERGENCE, 100).with(saving);
        return calibrator(options(membership(MembershipChoice.Kind.STATIC, 5), Optional.of(generous)),
                CalibrationProgress.NONE).calibrate(texts(12)).search().orElseThrow().path();
    }

    @Test
    void withGroupedQueriesEveryStepFreesWholeKeyHeads() {
        // 8 heads in 2 groups of 4: bytes go where 4 clusters of a layer are left, and with no other number.
        List<QualityPoint> path = path(Saving.MEMORY);

        assertThat(path.getLast().clusters().perLayer()).containsExactly(4, 4, 4);
        assertThat(path.getLast().loss().kvSaving()).isEqualTo(0.25);
        assertThat(path.getLast().loss().scoreSaving()).isEqualTo(0.5);
        assertThat(path).extracting(QualityPoint::saving).isSorted().doesNotHaveDuplicates();
        assertThat(path).allSatisfy(point -> assertThat(point.clusters().perLayer()).isSubsetOf(8, 4));
    }

    @Test
    void withGroupedQueriesASearchForTimeGoesOnToOneCluster() {
        assertThat(path(Saving.TIME).getLast().clusters().perLayer()).containsExactly(1, 1, 1);
        assertThat(path(Saving.TIME).getLast().loss().scoreSaving()).isEqualTo(0.875);
    }

    @Test
    void everyCountOfALargerModelSavesTheKeysOfTheGroupsThatItFrees() {
        Path generated = TestModels.random(directory, TestModels.shape(128, 128, 16, 8), 128, "F32");
        try (ChaiModel larger = ChaiModel.load(generated, ChaiOptions.exact())) {
            QualityBudget budget = new QualityBudget(Measure.DIVERGENCE, 100);
            SearchResult search = new Calibrator(larger,
                    options(membership(MembershipChoice.Kind.STATIC, 5), Optional.of(budget)),
                    CalibrationProgress.NONE).calibrate(texts(12)).search().orElseThrow();

            assertThat(search.found().clusters().perLayer()).containsExactly(2, 2, 2);
            assertThat(search.sensitivities()).hasSize(3 * 7).allSatisfy(alone -> {
                assertThat(alone.clusters() % 2).isZero();
                assertThat(alone.loss().kvSaving()).isCloseTo((8 - alone.clusters() / 2) / 48.0, within(1e-12));
            });
        }
    }

    @Test
    void aBudgetIsKeptOnTheTextsThatVerify() {
        Calibration calibration = calibrator(budgeted(), CalibrationProgress.NONE).calibrate(texts(12));

        assertThat(calibration.search().orElseThrow().sensitivities()).extracting(LayerSensitivity::layer).contains(0,
                1, 2);
        assertThat(calibration.loss()).isEqualTo(calibration.search().orElseThrow().verified().loss());
        assertThat(calibration.search().orElseThrow().budget().allows(calibration.loss())).isTrue();
        assertThat(calibration.profile().maxDivergence()).contains(DIVERGENCE.orElseThrow().bound());
        assertThat(ClusterProfile.parse(json(calibration), "test")).isEqualTo(calibration.profile());
    }

    @Test
    void whatIsMeasuredOnWasNotLookedAt() {
        List<int[]> texts = texts(12);
        TextSplit split = TextSplit.of(texts, budgeted());

        List<Integer> all = new ArrayList<>(split.samples());
        all.addAll(split.search());
        all.addAll(split.verify());
        assertThat(all).doesNotHaveDuplicates().hasSize(12);
        assertThat(split.samples()).hasSize(6);
        assertThat(split.search()).hasSize(3);
        assertThat(TextSplit.of(texts, budgeted())).isEqualTo(split);
    }
}
