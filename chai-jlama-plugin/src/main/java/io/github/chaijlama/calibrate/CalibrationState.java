// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.github.chaijlama.files.AtomicFile;

/**
 * What a calibration has found out so far, kept in a file so that a stopped run can go on. Everything that takes long
 * is here: sums over the texts seen, and measured losses; the rest follows from it. Not thread-safe.
 */
final class CalibrationState {
    /** The components of records, nothing that is calculated from them. */
    private static final ObjectMapper MAPPER = JsonMapper.builder().disable(MapperFeature.AUTO_DETECT_IS_GETTERS)
            .build();

    private final Path file;
    private final String key;
    private final long intervalNanos;
    private List<LayerStatistics.Sums> layers = List.of();
    private final Map<String, QualityLoss> losses = new TreeMap<>();
    private long lastSaved = System.nanoTime();

    /** The file. */
    private record Content(String key, List<LayerStatistics.Sums> layers, Map<String, QualityLoss> losses) {}

    /**
     * Creates an empty state.
     *
     * @param file          where to keep it, null for nowhere
     * @param key           identifies model, texts and settings: a state of other ones is of no use
     * @param intervalNanos time between two writes
     */
    CalibrationState(Path file, String key, long intervalNanos) {
        this.file = file;
        this.key = key;
        this.intervalNanos = intervalNanos;
    }

    /** Reads what a stopped run left, if it had the same inputs; whatever else is there is not used. */
    void resume(CalibrationProgress progress) {
        if (file == null || !Files.isRegularFile(file)) {
            return;
        }
        try {
            Content content = MAPPER.readValue(Files.readString(file), Content.class);
            if (key.equals(content.key())) {
                layers = content.layers();
                losses.putAll(content.losses());
                progress.note("going on where a stopped run left off, as " + file + " says");
            } else {
                progress.note("starting anew: " + file + " is of a run with other inputs");
            }
        } catch (JsonProcessingException e) {
            progress.note("starting anew: " + file + " cannot be read: " + e.getOriginalMessage());
        } catch (IOException e) {
            progress.note("starting anew: " + file + " cannot be read: " + AtomicFile.reason(e));
        }
    }

    /** Returns the sums of each layer, empty if there are none. */
    List<LayerStatistics.Sums> layers() {
        return layers;
    }

    void setLayers(List<LayerStatistics> statistics) {
        layers = statistics.stream().map(LayerStatistics::sums).toList();
    }

    /** Returns what counts cost on some texts, null if it was not measured. */
    QualityLoss loss(String texts, List<Integer> clusters) {
        return losses.get(texts + clusters);
    }

    void putLoss(String texts, List<Integer> clusters, QualityLoss loss) {
        losses.put(texts + clusters, loss);
    }

    /** Whether it is time to {@link #save}. */
    boolean isDue() {
        return file != null && System.nanoTime() - lastSaved >= intervalNanos;
    }

    /**
     * Writes the state.
     *
     * @throws CalibrationException if it cannot be written
     */
    void save() {
        if (file == null) {
            return;
        }
        try {
            AtomicFile.write(file, MAPPER.writeValueAsString(new Content(key, layers, losses)));
            lastSaved = System.nanoTime();
        } catch (IOException e) {
            throw new CalibrationException(file + " cannot be written: " + AtomicFile.reason(e), e);
        }
    }

    /** Removes the file of a run that has ended. */
    void delete() {
        if (file != null) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw new CalibrationException(file + " cannot be deleted: " + AtomicFile.reason(e), e);
            }
        }
    }
}
