// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.StockModel;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.TokenSession;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.decoder.StepClock;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * Measures whole models: the time to read a prompt, the time of each further token, and where both go, one arm against
 * another. The arms take turns within every run, so that a machine whose speed drifts drifts for all of them; so does
 * what the machine can give at most. Not thread-safe; nothing else should run.
 */
public final class Benchmark {
    /** In {@link Plan#wholeClusters}: it is not known how many clusters a layer has. */
    public static final int UNKNOWN_CLUSTERS = 0;
    /** Enough for every part to be compiled, on the way to what is measured. */
    private static final int WARM_UP_TOKENS = 256;

    private final Plan plan;
    private final Consumer<String> progress;
    /** Decides when the time is over; what is measured is measured by {@link System#nanoTime} always. */
    private final LongSupplier nanoTime;

    /**
     * What to measure.
     *
     * @param model         model directory
     * @param options       threads, weights and budget of every arm; its attention and profile are not used
     * @param profile       clusters per layer, if any arm is clustered
     * @param arms          what to compare
     * @param contexts      tokens of the prompts
     * @param runs          how often everything is measured
     * @param decodeTokens  tokens after each prompt, at least 1
     * @param warmUpMillis  time each arm runs before anything counts; every arm runs once at least
     * @param deadline      value of {@link System#nanoTime} from which on nothing new is begun
     * @param wholeClusters clusters of each layer of the whole model, {@link #UNKNOWN_CLUSTERS} where that is not
     *                      known, if the model has only some of its layers, to extrapolate; empty if nothing is to be
     *                      extrapolated
     */
    public record Plan(Path model, ChaiOptions options, Optional<ClusterProfile> profile, List<BenchArm> arms,
            List<Integer> contexts,
            int runs, int decodeTokens, int warmUpMillis, long deadline, List<Integer> wholeClusters) {}

    /**
     * What came of it.
     *
     * @param measurements by context length and arm; those that were measured once at least
     * @param leftOut      what the deadline did not leave time for, a sentence each
     * @param peaks        what the machine gives at most
     * @param notes        what is to be known of arms, and which were not measured because they cannot run, a sentence
     *                     each
     */
    public record Result(List<Measurement> measurements, List<String> leftOut, MachinePeaks peaks,
            List<String> notes) {}

    /**
     * Creates a benchmark.
     *
     * @param progress told what is going on
     */
    public Benchmark(Plan plan, Consumer<String> progress) {
        this(plan, progress, System::nanoTime);
    }

    /** For tests, where time passes as they say and not as fast as the machine is. */
    Benchmark(Plan plan, Consumer<String> progress, LongSupplier nanoTime) {
        this.plan = plan;
        this.progress = progress;
        this.nanoTime = nanoTime;
    }

    /**
     * Measures. Of Jlama's own arms those that cannot run are left out, and said in a note, if any other can.
     *
     * @throws io.github.chaijlama.model.ModelLoadException if the model cannot be loaded
     * @throws io.github.chaijlama.kv.KvCacheFullException  if keys and values do not fit into the budget
     */
    public Result run() {
        progress.accept("loading");
        try (PeakMeter peaks = new PeakMeter(plan.options().threads());
                ArmModels models = ArmModels.load(plan.model(), plan.options(), plan.arms())) {
            return run(models, peaks);
        }
    }

    private Result run(ArmModels models, PeakMeter peaks) {
        progress.accept("multiply-adds and reading, at most");
        peaks.measure();
        List<Cell> cells = new ArrayList<>();
        for (int context : plan.contexts()) {
            for (BenchArm arm : models.arms()) {
                cells.add(new Cell(arm, context));
            }
        }
        if (warmUp(models)) {
            for (int run = 1; run <= plan.runs() && isTimeLeft(); run++) {
                for (Cell cell : cells) {
                    if (!isTimeLeft()) {
                        break;
                    }
                    progress.accept("run " + run + " of " + plan.runs() + ": " + cell.context() + " tokens, "
                            + cell.arm().label());
                    measure(cell, models.of(cell.arm()), run);
                }
                peaks.measure();
            }
        }
        List<HeadLayout> heads = models.of(models.arms().getFirst()).model().config().layerHeads();
        return new Result(
                cells.stream().filter(cell -> cell.runs() > 0)
                        .map(cell -> cell.toMeasurement(heads, plan.decodeTokens(), plan.wholeClusters())).toList(),
                cells.stream().filter(cell -> cell.runs() < plan.runs()).map(this::leftOut).toList(), peaks.peaks(),
                models.notes());
    }

    private boolean isTimeLeft() {
        return nanoTime.getAsLong() - plan.deadline() < 0;
    }

    private String leftOut(Cell cell) {
        return cell.context() + " tokens, " + cell.arm().label() + ": " + (cell.runs() == 0 ? "not measured"
                : "measured in " + cell.runs() + " of " + plan.runs() + " runs");
    }

    /** Runs each arm for a while; returns false if there was no time to run all. */
    private boolean warmUp(ArmModels models) {
        int context = Math.min(WARM_UP_TOKENS, Collections.max(plan.contexts()));
        for (BenchArm arm : models.arms()) {
            long end = nanoTime.getAsLong() + plan.warmUpMillis() * 1_000_000L;
            do {
                if (!isTimeLeft()) {
                    return false;
                }
                progress.accept("warm-up: " + context + " tokens, " + arm.label());
                measure(new Cell(arm, context), models.of(arm), 0);
            } while (nanoTime.getAsLong() - end < 0);
        }
        return true;
    }

    /** Runs one sequence. */
    private void measure(Cell cell, ArmModels.Loaded loaded, int run) {
        ModelConfig config = loaded.model().config();
        StepClock clock = loaded.clock();
        int context = cell.context();
        // The same tokens for every arm: membership, and with it work, depends on them.
        int[] tokens = new SplittableRandom(31L * run + context)
                .ints((long) context + plan.decodeTokens(), 0, config.vocabularySize()).toArray();
        int[] prompt = Arrays.copyOf(tokens, context);
        try (TokenSession session = session(loaded.model(), cell.arm())) {
            clock.reset();
            long start = System.nanoTime();
            session.feed(prompt);
            if (session instanceof ChaiSession chai) {
                chai.endPrompt();
            }
            PhaseTimes prefill = PhaseTimes.of(System.nanoTime() - start, clock.read(), 1);
            long bytes = kvCacheBytes(session, config);
            List<HeadClusters> clusters = IntStream.range(0, config.layers())
                    .mapToObj(layer -> clusters(session, config, layer)).toList();
            clock.reset();
            start = System.nanoTime();
            for (int i = context; i < tokens.length; i++) {
                session.feed(tokens[i]);
            }
            PhaseTimes decode = PhaseTimes.of(System.nanoTime() - start, clock.read(), plan.decodeTokens());
            cell.add(prefill, decode, clusters, bytes);
        }
    }

    private TokenSession session(TokenModel model, BenchArm arm) {
        return switch (model) {
            case StockModel stock -> stock.newSession();
            case ChaiModel chai -> chai.newSession(
                    arm.attention() == AttentionMode.CLUSTERED ? plan.profile().orElseThrow()
                            : ClusterProfile.exact(chai.config().shape()),
                    arm.kv());
        };
    }

    /** Jlama's own cache does not say; it stores keys and values of every head as 32-bit floats. */
    private static long kvCacheBytes(TokenSession session, ModelConfig config) {
        return session instanceof ChaiSession chai ? chai.kvCacheBytes()
                : 2L * config.layerHeads().stream().mapToInt(HeadLayout::kvLength).sum() * Float.BYTES
                        * session.length();
    }

    private static HeadClusters clusters(TokenSession session, ModelConfig config, int layer) {
        return session instanceof ChaiSession chai ? chai.clusters(layer)
                : HeadClusters.identity(config.numberOfHeads());
    }
}
