// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
    private final SplittableRandom random = new SplittableRandom(1);

    /**
     * What to measure.
     *
     * @param model        model directory
     * @param profile      clusters per layer, null if no arm is clustered
     * @param arms         attentions to compare
     * @param contexts     tokens of the prompts
     * @param runs         how often everything is measured, after a run that is not counted
     * @param decodeTokens tokens after each prompt, at least 1
     */
    public record Plan(Path model, ClusterProfile profile, List<AttentionMode> arms, List<Integer> contexts, int runs,
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
    private record Cell(int context, AttentionMode arm, List<Double> prefillMillis, List<Double> decodeMillis) {}

    /** Measures, and returns the results by context length and attention. */
    public List<Measurement> run() {
        try (ChaiModel chai = ChaiModel.load(plan.model(), ChaiOptions.exact());
                ChaiModel stock = plan.arms().contains(AttentionMode.STOCK)
                        ? ChaiModel.load(plan.model(), ChaiOptions.stock())
                        : null) {
            return run(chai, stock);
        }
    }

    private List<Measurement> run(ChaiModel chai, ChaiModel stock) {
        List<Cell> cells = new ArrayList<>();
        for (int context : plan.contexts()) {
            for (AttentionMode arm : plan.arms()) {
                cells.add(new Cell(context, arm, new ArrayList<>(), new ArrayList<>()));
            }
        }
        Map<Cell, Long> kvCacheBytes = new LinkedHashMap<>();
        for (int run = 0; run <= plan.runs(); run++) {
            for (Cell cell : cells) {
                progress.accept((run == 0 ? "warm-up" : "run " + run + " of " + plan.runs()) + ": " + cell.context()
                        + " tokens, " + cell.arm());
                try (ChaiSession session = open(cell.arm(), chai, stock)) {
                    kvCacheBytes.put(cell, measure(session, cell, chai.config(), run > 0));
                }
            }
        }
        return cells.stream().map(cell -> new Measurement(cell.arm(), cell.context(), Spread.of(cell.prefillMillis()),
                Spread.of(cell.decodeMillis()), kvCacheBytes.get(cell))).toList();
    }

    private ChaiSession open(AttentionMode arm, ChaiModel chai, ChaiModel stock) {
        return switch (arm) {
            case STOCK -> stock.newSession();
            case EXACT -> chai.newSession();
            case CLUSTERED -> chai.newSession(plan.profile());
        };
    }

    /** Runs one session and returns the bytes of keys and values after its prompt. */
    private long measure(ChaiSession session, Cell cell, ModelConfig config, boolean counts) {
        int[] tokens = random.ints(cell.context() + plan.decodeTokens(), 0, config.vocabularySize()).toArray();
        int[] prompt = Arrays.copyOf(tokens, cell.context());
        long start = System.nanoTime();
        session.feed(prompt);
        long prefilled = System.nanoTime();
        // Jlama's own cache does not say; it stores keys and values of every head as 32-bit floats.
        long bytes = session.kvCacheBytes() >= 0 ? session.kvCacheBytes()
                : 2L * config.layers() * config.heads().kvLength() * Float.BYTES * cell.context();
        long decodeStart = System.nanoTime();
        for (int i = 0; i < plan.decodeTokens(); i++) {
            session.feed(tokens[cell.context() + i]);
        }
        long end = System.nanoTime();
        if (counts) {
            cell.prefillMillis().add((prefilled - start) / 1e6);
            cell.decodeMillis().add((end - decodeStart) / 1e6 / plan.decodeTokens());
        }
        return bytes;
    }
}
