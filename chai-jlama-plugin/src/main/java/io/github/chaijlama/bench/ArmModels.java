// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.StockActivations;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.decoder.StepClock;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;

/** The models that the arms of a benchmark run on, each with its clock. */
final class ArmModels implements AutoCloseable {
    private final Path directory;
    private final ChaiOptions options;
    private final int layers;
    private final Map<ArmKind, Loaded> loaded = new EnumMap<>(ArmKind.class);
    private final List<BenchArm> arms = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    /** A model and its clock. */
    record Loaded(TokenModel model, StepClock clock) {}

    private ArmModels(Path directory, ChaiOptions options, int layers) {
        this.directory = directory;
        this.options = options;
        this.layers = layers;
    }

    /**
     * Loads what some arms need: exact and clustered attention share a model.
     *
     * @throws ModelLoadException if no arm can run, or the model cannot be loaded for exact and clustered attention
     */
    @SuppressWarnings("MustBeClosedChecker") // whoever gets it closes it
    static ArmModels load(Path directory, ChaiOptions options, List<BenchArm> arms) {
        ArmModels models = new ArmModels(directory, options, ModelConfig.read(directory).layers());
        try {
            List<ModelLoadException> refused = new ArrayList<>();
            // Stock before stock-f32, which is left out where it is the same.
            arms.stream().sorted(Comparator.comparing(BenchArm::kind)).forEach(arm -> models.add(arm, refused));
            if (models.arms.isEmpty()) {
                throw refused.getFirst();
            }
            models.arms.sort(Comparator.comparing(arms::indexOf));
            return models;
        } catch (RuntimeException | Error e) {
            models.close();
            throw e;
        }
    }

    private void add(BenchArm arm, List<ModelLoadException> refused) {
        if (!arm.kind().isStock()) {
            loaded.computeIfAbsent(ArmKind.EXACT, _ -> {
                StepClock clock = new StepClock(layers);
                return new Loaded(ChaiModel.load(directory, options, clock), clock);
            });
            arms.add(arm);
            return;
        }
        try {
            addStock(arm);
        } catch (ModelLoadException e) {
            refused.add(e);
            notes.add(arm.label() + ": cannot run: " + e.getMessage());
        }
    }

    private void addStock(BenchArm arm) {
        Loaded other = loaded.get(ArmKind.STOCK);
        if (arm.kind() == ArmKind.STOCK_F32 && other != null && hasFloatActivations(other)) {
            notes.add(arm.label() + ": not measured, since stock has 32-bit activations, too");
            return;
        }
        StepClock clock = new StepClock(layers);
        StockModel model = StockModel.load(directory, options,
                arm.kind() == ArmKind.STOCK ? StockActivations.JLAMA : StockActivations.F32, clock);
        loaded.put(arm.kind(), new Loaded(model, clock));
        arms.add(arm);
        notes.add(arm.label() + ": " + model.activations());
    }

    private static boolean hasFloatActivations(Loaded stock) {
        return stock.model() instanceof StockModel model && model.hasFloatActivations();
    }

    /** Returns the arms that can be measured, at least one. */
    List<BenchArm> arms() {
        return arms;
    }

    /** Returns what is to be known of arms, a sentence each. */
    List<String> notes() {
        return notes;
    }

    /** Returns the model of an arm that can be measured. */
    Loaded of(BenchArm arm) {
        return Objects.requireNonNull(loaded.get(arm.kind().isStock() ? arm.kind() : ArmKind.EXACT));
    }

    @Override
    public void close() {
        loaded.values().forEach(one -> one.model().close());
    }
}
