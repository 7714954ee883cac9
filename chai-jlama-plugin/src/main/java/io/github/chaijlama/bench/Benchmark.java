// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.jlama.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * Measures whole models: the time to read a prompt and the time of each further token, one attention against another. The arms
 * take turns within every run, so that a machine whose speed drifts drifts for all of them.
 */
public final class Benchmark {
    private final Plan plan;
    private final Consumer<String> progress;

    /**
     * What to measure.
     *
     * @param model        model directory
     * @param options      threads and budget of every arm; its attention and profile are not used
     * @param profile      clusters per layer, null if no arm is clustered
     * @param arms         attentions to compare
     * @param contexts     tokens of the prompts
     * @param runs         how often everything is measured, after a run that is not counted
     * @param decodeTokens tokens after each prompt, at least 1
     */
    public record Plan(Path model, ChaiOptions options, ClusterProfile profile, List<AttentionMode> arms,
            List<Integer> contexts, int runs,
            int decodeTokens) {}

    /**
     * Creates a benchmark.
     *
     * @param progress told what is going on
     */
    public Benchmark(Plan plan, Consumer<String> progress) {
        this.plan = plan;
        this.progress = progress;
    }

    /** What one context length and attention gave, a value per run. */
    private static final class Cell {
        private final int context;
        private final AttentionMode arm;
        private final List<Double> prefillMillis = new ArrayList<>();
        private final List<Double> decodeMillis = new ArrayList<>();
        private long kvCacheBytes;

        Cell(int context, AttentionMode arm) {
            this.context = context;
            this.arm = arm;
        }

        Measurement toMeasurement() {
            return new Measurement(arm, context, Spread.of(prefillMillis), Spread.of(decodeMillis), kvCacheBytes);
        }
    }

    /** Measures, and returns the results by context length and attention. */
    public List<Measurement> run() {
        boolean needsStock = plan.arms().contains(AttentionMode.STOCK);
        boolean needsOurs = plan.arms().stream().anyMatch(arm -> arm != AttentionMode.STOCK);
        try (ChaiModel ours = needsOurs ? ChaiModel.load(plan.model(), plan.options()) : null;
                ChaiModel stock = needsStock
                        ? ChaiModel.load(plan.model(), ChaiOptions.stock().withThreads(plan.options().threads()))
                        : null) {
            return run(ours, stock);
        }
    }

    private List<Measurement> run(ChaiModel ours, ChaiModel stock) {
        List<Cell> cells = new ArrayList<>();
        for (int context : plan.contexts()) {
            for (AttentionMode arm : plan.arms()) {
                cells.add(new Cell(context, arm));
            }
        }
        ModelConfig config = (ours == null ? stock : ours).config();
        for (int run = 0; run <= plan.runs(); run++) {
            for (Cell cell : cells) {
                progress.accept((run == 0 ? "warm-up" : "run " + run + " of " + plan.runs()) + ": " + cell.context
                        + " tokens, " + cell.arm);
                // The same tokens for every arm: membership, and with it work, depends on them.
                int[] tokens = new SplittableRandom(31L * run + cell.context)
                        .ints(cell.context + plan.decodeTokens(), 0, config.vocabularySize()).toArray();
                try (ChaiSession session = open(cell.arm, ours, stock)) {
                    measure(session, cell, tokens, config, run > 0);
                }
            }
        }
        return cells.stream().map(Cell::toMeasurement).toList();
    }

    private ChaiSession open(AttentionMode arm, ChaiModel ours, ChaiModel stock) {
        return switch (arm) {
            case STOCK -> stock.newSession();
            case EXACT -> ours.newSession(AttentionMode.EXACT);
            case CLUSTERED -> ours.newSession(plan.profile());
        };
    }

    /** Runs one session. */
    private void measure(ChaiSession session, Cell cell, int[] tokens, ModelConfig config, boolean counts) {
        int[] prompt = Arrays.copyOf(tokens, cell.context);
        long start = System.nanoTime();
        session.feed(prompt);
        long prefilled = System.nanoTime();
        // Jlama's own cache does not say; it stores keys and values of every head as 32-bit floats.
        cell.kvCacheBytes = session.kvCacheBytes() >= 0 ? session.kvCacheBytes()
                : 2L * config.layers() * config.heads().kvLength() * Float.BYTES * cell.context;
        long decodeStart = System.nanoTime();
        for (int i = 0; i < plan.decodeTokens(); i++) {
            session.feed(tokens[cell.context + i]);
        }
        long end = System.nanoTime();
        if (counts) {
            cell.prefillMillis.add((prefilled - start) / 1e6);
            cell.decodeMillis.add((end - decodeStart) / 1e6 / plan.decodeTokens());
        }
    }
}
