// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.io.Resource;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiVersion;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.calibrate.Calibration;
import io.github.chaijlama.calibrate.CalibrationException;
import io.github.chaijlama.calibrate.CalibrationJson;
import io.github.chaijlama.calibrate.CalibrationOptions;
import io.github.chaijlama.calibrate.CalibrationProgress;
import io.github.chaijlama.calibrate.Calibrator;
import io.github.chaijlama.calibrate.QualityBudget;
import io.github.chaijlama.calibrate.QualityLoss;
import io.github.chaijlama.evaluate.AnswerPrompts;
import io.github.chaijlama.evaluate.EvaluationException;
import io.github.chaijlama.evaluate.ReadLimits;
import io.github.chaijlama.evaluate.TextFormat;
import io.github.chaijlama.evaluate.TextSet;
import io.github.chaijlama.files.AtomicFile;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.ProfileException;
import io.github.chaijlama.safetensors.ModelFingerprint;

/**
 * Finds the profile of a model, or makes it, when the application starts. Profiles are kept in a directory under the
 * fingerprint of their model, so a model is found again wherever its files went.
 *
 * @param directory   where profiles are kept
 * @param anew        whether to calibrate even if there is a profile
 * @param texts       sample texts
 * @param maxTokens   longer texts are cut
 * @param answerGuard whether answers are looked at one by one, too
 * @param options     how to calibrate
 */
record StartupCalibration(Path directory, boolean anew, Resource texts, int maxTokens, boolean answerGuard,
        CalibrationOptions options) {
    private static final Logger logger = LoggerFactory.getLogger(StartupCalibration.class);
    private static final String OWN_TEXTS = "calibration-texts.txt";
    /** A profile with its calibration is smaller for all but the largest models. */
    private static final int ROOM = 1 << 16;

    /** Returns the sample texts that come with the starter. */
    static Resource ownTexts() {
        return new ClassPathResource(OWN_TEXTS, StartupCalibration.class);
    }

    /**
     * Returns the profile of a model.
     *
     * @param model       directory of the model
     * @param loadOptions how the model is loaded
     * @throws StartupCalibrationException if there is none and none can be made
     */
    ClusterProfile profile(Path model, ChaiOptions loadOptions) {
        Path file = directory.resolve(fileName(ModelFingerprint.of(model), loadOptions.weights()));
        if (!anew && Files.exists(file)) {
            logger.info("Profile of this model: {}", file);
            return read(file);
        }
        requireRoom();
        if (!texts.exists()) {
            throw badTexts(texts.getDescription() + " does not exist", null);
        }
        ChaiOptions exact = loadOptions.with(change -> change.kvCacheType(KvType.F32));
        try (TextModel loaded = TextModel.load(model, exact)) {
            return calibrate(loaded, file);
        }
    }

    /** Quantized weights attend a little differently. */
    static String fileName(String fingerprint, WeightType weights) {
        return fingerprint.replace(':', '-') + (weights == WeightType.STORED ? "" : "-" + weights).toLowerCase(
                Locale.ROOT) + ".json";
    }

    private static ClusterProfile read(Path file) {
        try {
            return ClusterProfile.read(file);
        } catch (ProfileException e) {
            throw new StartupCalibrationException(e.getMessage(),
                    "Delete the file to have it made anew, or set chai.profile.", e);
        }
    }

    /** An hour's work should not be lost because its result cannot be stored. */
    private void requireRoom() {
        try {
            Files.createDirectories(directory);
            Path probe = Files.createTempFile(directory, ".room", null);
            try {
                Files.write(probe, new byte[ROOM]);
            } finally {
                Files.deleteIfExists(probe);
            }
        } catch (IOException e) {
            throw cannotStore("no profile can be written to " + directory + ": " + AtomicFile.reason(e), e);
        }
    }

    private static StartupCalibrationException cannotStore(@Nullable String message, Exception cause) {
        return new StartupCalibrationException(message,
                "Set chai.calibration.profile-directory to a directory that the application can write to and that has "
                        + "room, "
                        + "or chai.profile to a profile that was made with chai calibrate.",
                cause);
    }

    private static StartupCalibrationException badTexts(@Nullable String message, @Nullable Exception cause) {
        return new StartupCalibrationException(message,
                "Correct chai.calibration.texts: a file of JSON lines with 'messages' or 'text', or of plain texts "
                        + "with blank "
                        + "lines between them. Without it the texts that come with the starter are used.",
                cause);
    }

    private ClusterProfile calibrate(TextModel model, Path file) {
        Path state = file.resolveSibling(file.getFileName() + ".state");
        TextSet set = readTexts(model);
        logger.info("Calibrating: {} texts of {}; {}. The profile will be {}", set.texts().size(), set.source(),
                bound(options), file);
        long start = System.nanoTime();
        try {
            Calibrator calibrator = new Calibrator(model.model(), options, new LoggedProgress()).withState(state);
            Calibration calibration = (answerGuard ? calibrator.withAnswers(AnswerPrompts.of(model, set)) : calibrator)
                    .calibrate(set.texts());
            store(calibration, set.source(), file);
            Calibrator.deleteState(state);
            log(calibration, Duration.ofNanos(System.nanoTime() - start));
            return calibration.profile();
        } catch (KvCacheFullException e) {
            throw new StartupCalibrationException(e.getMessage(),
                    "Raise chai.kv-cache.max-memory, or lower chai.calibration.max-tokens.", e);
        } catch (CalibrationException e) {
            throw new StartupCalibrationException(e.getMessage(),
                    "Correct chai.calibration, set chai.profile to a profile that was made with chai calibrate, or set "
                            + "chai.calibration.mode to off to run the model with exact attention.",
                    e);
        }
    }

    private static void store(Calibration calibration, String source, Path file) {
        try {
            CalibrationJson.write(calibration, new CalibrationJson.Origin(source, Optional.empty(), ChaiVersion.CHAI),
                    file);
        } catch (CalibrationException e) {
            throw cannotStore(e.getMessage(), e);
        }
    }

    private TextSet readTexts(TextModel model) {
        int limit = Math.min(maxTokens, model.model().config().contextLength());
        String source = texts.getFilename() == null ? texts.getDescription() : texts.getFilename();
        try (InputStream in = texts.getInputStream()) {
            return TextSet.read(in, source, TextFormat.AUTO, model, ReadLimits.ofTokens(limit),
                    bad -> logger.warn("Skipped {}", bad));
        } catch (IOException e) {
            throw badTexts(texts.getDescription() + " cannot be read: " + e.getMessage(), e);
        } catch (EvaluationException e) {
            throw badTexts(e.getMessage(), e);
        }
    }

    private static void log(Calibration calibration, Duration duration) {
        QualityLoss loss = calibration.loss();
        logger.info("Calibrated in {} s: clusters per layer {}; on {} held-out texts {}", duration.toSeconds(),
                calibration.profile().clusters(), calibration.heldOut(),
                String.format(Locale.ROOT,
                        "%.1f %% less memory for keys and values, %.1f %% fewer scores, perplexity %+.2f %% "
                                + "(standard error %.2f)",
                        100 * loss.kvSaving(), 100 * loss.scoreSaving(), 100 * loss.perplexityIncrease(),
                        100 * loss.logLossDifference().standardError()));
        loss.answers().forEach(answers -> logger.info("Answers looked at one by one, {}: {}, {} of them broken",
                answers.kind(), answers.answers(), answers.broken()));
        if (loss.scoreSaving() == 0) { // with grouped queries heads may share without that any key goes
            logger.warn("No heads can share within {}: attention stays exact", bound(calibration.options()));
        }
    }

    private static QualityBudget bound(CalibrationOptions options) {
        return options.budget().orElseThrow();
    }

    /** Logs how far a calibration is, every few seconds. */
    private static final class LoggedProgress implements CalibrationProgress {
        private static final long INTERVAL_NANOS = Duration.ofSeconds(10).toNanos();

        private String phase = "";
        private long phaseStart;
        private long lastLogged = System.nanoTime();

        @Override
        public void report(String newPhase, long done, long total) {
            long now = System.nanoTime();
            if (!newPhase.equals(phase)) {
                phase = newPhase;
                phaseStart = now;
            } else if (now - lastLogged >= INTERVAL_NANOS) {
                lastLogged = now;
                logger.info("Calibrating, {}: {} of {}, about {} s left", phase, done, total,
                        Duration.ofNanos((now - phaseStart) / done * (total - done)).toSeconds());
            }
        }

        @Override
        public void note(String message) {
            logger.info("Calibrating: {}", message);
        }
    }
}
