// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.evaluate.AnswerLoss;
import io.github.chaijlama.evaluate.Estimate;
import io.github.chaijlama.evaluate.ExactAnswer;
import io.github.chaijlama.files.AtomicFile;

/**
 * What a calibration has found out so far, kept in a file so that a stopped run can go on. Everything that takes long
 * is here: sums over the texts seen, and measured losses; the rest follows from it. Not thread-safe.
 */
final class CalibrationState {
    /** The components of records, nothing that is calculated from them. */
    private static final ObjectMapper MAPPER = JsonMapper.builder().disable(MapperFeature.AUTO_DETECT_IS_GETTERS)
            .build();

    private final Optional<Path> file;
    private final String key;
    private final long intervalNanos;
    private List<LayerStatistics.Sums> layers = List.of();
    private final Map<String, QualityLoss> losses = new TreeMap<>();
    private final Map<String, List<ExactAnswer>> answers = new TreeMap<>();
    private long lastSaved = System.nanoTime();

    /** The file. */
    private record Content(String key, List<LayerStatistics.Sums> layers, Map<String, Loss> losses,
            @JsonInclude(Include.NON_EMPTY) @Nullable Map<String, List<ExactAnswer>> answers) {}

    /** A loss in the file, without a drop in accuracy if there were no tasks, or answers if none were looked at. */
    private record Loss(Estimate divergence, Estimate logLossDifference, @Nullable Estimate accuracyDrop,
            double agreement, double kvSaving, @JsonInclude(Include.NON_DEFAULT) double scoreSaving,
            @JsonInclude(Include.NON_EMPTY) @Nullable List<AnswerLoss> answers) {

        static Loss of(QualityLoss loss) {
            return new Loss(loss.divergence(), loss.logLossDifference(), loss.accuracyDrop().orElse(null),
                    loss.agreement(), loss.kvSaving(), loss.scoreSaving(), loss.answers());
        }

        QualityLoss toQualityLoss() {
            return new QualityLoss(divergence, logLossDifference, Optional.ofNullable(accuracyDrop), agreement,
                    kvSaving, scoreSaving, answers == null ? List.of() : answers);
        }
    }

    /**
     * Creates an empty state.
     *
     * @param file          where to keep it, empty for nowhere
     * @param key           identifies model, texts and settings: a state of other ones is of no use
     * @param intervalNanos time between two writes
     */
    CalibrationState(Optional<Path> file, String key, long intervalNanos) {
        this.file = file;
        this.key = key;
        this.intervalNanos = intervalNanos;
    }

    /** Reads what a stopped run left, if it had the same inputs; whatever else is there is not used. */
    void resume(CalibrationProgress progress) {
        file.filter(Files::isRegularFile).ifPresent(saved -> resume(saved, progress));
    }

    private void resume(Path saved, CalibrationProgress progress) {
        try {
            Content content = MAPPER.readValue(Files.readString(saved), Content.class);
            if (key.equals(content.key())) {
                layers = content.layers();
                content.losses().forEach((name, loss) -> losses.put(name, loss.toQualityLoss()));
                if (content.answers() != null) {
                    answers.putAll(content.answers());
                }
                progress.note("going on where a stopped run left off, as " + saved + " says");
            } else {
                progress.note("starting anew: " + saved + " is of a run with other inputs");
            }
        } catch (JsonProcessingException e) {
            progress.note("starting anew: " + saved + " cannot be read: " + e.getOriginalMessage());
        } catch (IOException e) {
            progress.note("starting anew: " + saved + " cannot be read: " + AtomicFile.reason(e));
        }
    }

    /** Returns the sums of each layer, empty if there are none. */
    List<LayerStatistics.Sums> layers() {
        return layers;
    }

    void setLayers(List<LayerStatistics> statistics) {
        layers = statistics.stream().map(LayerStatistics::sums).toList();
    }

    /** Returns a loss by its name, empty if it was not measured. */
    Optional<QualityLoss> loss(String name) {
        return Optional.ofNullable(losses.get(name));
    }

    void putLoss(String name, QualityLoss loss) {
        losses.put(name, loss);
    }

    /** Returns answers of exact attention by the name of their texts, empty if they were not asked for. */
    Optional<List<ExactAnswer>> answers(String name) {
        return Optional.ofNullable(answers.get(name));
    }

    void putAnswers(String name, List<ExactAnswer> newAnswers) {
        answers.put(name, newAnswers);
    }

    /** Writes the state if it is time to, see {@link #save}. */
    void saveIfDue() {
        if (System.nanoTime() - lastSaved >= intervalNanos) {
            save();
        }
    }

    /**
     * Writes the state.
     *
     * @throws CalibrationException if it cannot be written
     */
    void save() {
        file.ifPresent(this::save);
    }

    private void save(Path target) {
        try {
            Map<String, Loss> saved = new TreeMap<>();
            losses.forEach((name, loss) -> saved.put(name, Loss.of(loss)));
            AtomicFile.write(target, MAPPER.writeValueAsString(new Content(key, layers, saved, answers)));
            lastSaved = System.nanoTime();
        } catch (IOException e) {
            throw new CalibrationException(target + " cannot be written: " + AtomicFile.reason(e), e);
        }
    }

    /** Removes the file of a run that has ended. */
    static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new CalibrationException(file + " cannot be deleted: " + AtomicFile.reason(e), e);
        }
    }
}
