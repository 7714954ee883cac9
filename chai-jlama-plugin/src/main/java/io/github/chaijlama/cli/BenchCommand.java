// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.bench.ArmKind;
import io.github.chaijlama.bench.BenchArm;
import io.github.chaijlama.bench.Benchmark;
import io.github.chaijlama.bench.ClientsBenchmark;
import io.github.chaijlama.bench.SyntheticModel;
import io.github.chaijlama.bench.SyntheticShape;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.schedule.SchedulerLimits;

/** {@code chai bench}: time and memory of the attentions, side by side. */
@Command(name = "bench", mixinStandardHelpOptions = true, description = "Measures prefill and decode of a model, or of "
        + "random weights of a well-known shape, with each attention.")
final class BenchCommand implements Callable<Integer> {
    private static final int DEFAULT_LAYERS = 4;
    private static final int DEFAULT_CONTEXT = 4096;
    private static final int MAX_CONTEXT = 1 << 20;
    /** Thirty years. */
    private static final long MAX_SECONDS = 1_000_000_000;
    private static final Pattern CLUSTERS = Pattern.compile("(\\d{1,4})x(\\d{1,4})");

    @Spec
    private CommandSpec command;

    @ArgGroup(multiplicity = "1")
    @SuppressWarnings("NullAway.Init")
    private Source source;

    /** The types of weights that can be generated. */
    enum GeneratedWeights {
        F32, BF16, Q4, Q8
    }

    /** For the help. */
    static final class ShapeNames implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return SyntheticShape.names().iterator();
        }
    }

    /** What to measure. */
    static final class Source {
        @Option(names = "--model", required = true, paramLabel = "DIR", description = "model directory")
        private @Nullable Path model;

        @Option(names = "--shape", required = true, paramLabel = "NAME", description = "random weights of a real "
                + "model's shape: ${COMPLETION-CANDIDATES}", completionCandidates = ShapeNames.class)
        private @Nullable String shape;
    }

    @Option(names = "--layers", paramLabel = "N", description = "layers of a generated model; default: 4")
    private @Nullable Integer layers;

    @Option(names = "--weights", paramLabel = "TYPE",
            description = "weights of a generated model: F32, BF16, or Q4 or Q8, "
                    + "quantized from BF16 when loaded (Q8 not with the arm stock); default: F32")
    private @Nullable GeneratedWeights weights;

    @Option(names = "--directory", paramLabel = "DIR", description = "where generated models are kept; default: "
            + "chai-bench in the temporary directory")
    private Path directory = Path.of(System.getProperty("java.io.tmpdir"), "chai-bench");

    @Option(names = "--context", split = ",", paramLabel = "N", defaultValue = "128,512,2048",
            description = "tokens of the prompts; default: ${DEFAULT-VALUE}")
    @SuppressWarnings("NullAway.Init")
    private List<Integer> contexts;

    @Option(names = "--arms", split = ",", paramLabel = "ARM", defaultValue = "stock,stock-f32,exact,clustered",
            description = "what to compare: stock (Jlama's own layers as langchain4j-jlama runs them, asked for 8-bit "
                    + "activations), stock-f32 (the same with 32-bit ones, left out where stock has them, too), exact, "
                    + "clustered; default: ${DEFAULT-VALUE}")
    @SuppressWarnings("NullAway.Init")
    private List<ArmKind> kinds;

    @Option(names = "--kv", split = ",", paramLabel = "TYPE", defaultValue = "F32", description = "how keys and values "
            + "are stored, each another arm of exact and clustered: ${COMPLETION-CANDIDATES}; default: "
            + "${DEFAULT-VALUE}")
    @SuppressWarnings("NullAway.Init")
    private List<KvType> kvTypes;

    @ArgGroup
    private @Nullable Clusters clusters;

    /** Which heads to cluster. */
    static final class Clusters {
        @Option(names = "--profile", required = true, paramLabel = "FILE", description = "cluster profile")
        private @Nullable Path profile;

        @Option(names = "--clusters", required = true, paramLabel = "KxL,...", description = "K clusters in the next L "
                + "layers, for instance 32x1,4x3; ONLINE membership. Of a generated model: for each of its layers, or "
                + "for each of the real model's, of which evenly spaced ones are taken")
        private @Nullable String counts;
    }

    @Option(names = "--runs", paramLabel = "N", defaultValue = "3", description = "runs that count; default: "
            + "${DEFAULT-VALUE}")
    private int runs;

    @Option(names = "--decode", paramLabel = "N", defaultValue = "16", description = "tokens to decode after each "
            + "prompt; default: ${DEFAULT-VALUE}")
    private int decodeTokens;

    @Option(names = "--clients", split = ",", paramLabel = "N", description = "measures that many clients at once "
            + "instead, for instance 1,2,4,8,16, each asking again as soon as it is answered: --runs requests of each, "
            + "answers of --decode tokens, exact and clustered arms only")
    private List<Integer> clients = List.of();

    @Option(names = "--incoming", paramLabel = "N", description = "with --clients: also measures what a prompt of N "
            + "tokens that comes in does to their answers, and they to it")
    private @Nullable Integer incoming;

    @Option(names = "--slice", paramLabel = "N",
            description = "with --clients: the most tokens of prompts in a step in "
                    + "which answers go on; default: what a scheduler takes")
    private @Nullable Integer slice;

    @Option(names = "--json", description = "print as JSON")
    private boolean json;

    @Option(names = "--threads", paramLabel = "N", description = "threads of a step; default: all processors")
    private @Nullable Integer threads;

    @Option(names = "--operators", paramLabel = "NAME", description = "what calculates matrix products: jlama, vector "
            + "(this program's own), blas (a BLAS library for prompts), or auto; default: auto")
    private @Nullable Operators operators;

    @Option(names = "--kv-cache", paramLabel = "SIZE", converter = ByteSize.class, description = "budget for keys and "
            + "values, for instance 512MiB; default: a quarter of the machine's memory")
    private @Nullable Long kvCacheMaxBytes;

    @Option(names = "--max-seconds", paramLabel = "N", description = "time for everything: what is running when it is "
            + "over is finished, the rest left out; default: no limit")
    private @Nullable Long maxSeconds;

    @Option(names = "--warm-up", paramLabel = "MS", defaultValue = "1000", description = "milliseconds that each arm "
            + "runs before anything counts, once at least; default: ${DEFAULT-VALUE}")
    private int warmUpMillis;

    @Mixin
    private ReportOption report;

    /**
     * What {@code --clusters} says.
     *
     * @param measured clusters of each measured layer, if it says anything
     * @param whole    clusters of each layer of the whole model, as {@link Benchmark.Plan} has them
     */
    private record Counts(Optional<List<Integer>> measured, List<Integer> whole) {}

    @Override
    public Integer call() {
        long deadline = System.nanoTime() + deadlineNanos();
        requirePossibleNumbers();
        require(weights != GeneratedWeights.Q8
                || operators != Operators.JLAMA && kinds.stream().noneMatch(ArmKind::isStock),
                LoadingOptions.Q8_IS_OURS + "; name --arms without stock");
        Optional<ClusterProfile> read = Optional.ofNullable(clusters).map(given -> given.profile)
                .map(ClusterProfile::read);
        Optional<List<Integer>> named = Optional.ofNullable(clusters).map(given -> given.counts)
                .map(this::parseClusters);
        Optional<SyntheticShape> shape = Optional.ofNullable(source.shape).map(this::shape);
        Counts counts = shape.map(whole -> countsOfGenerated(whole, named))
                .orElseGet(() -> new Counts(named, List.of()));
        Path model = shape.map(this::generate).orElseGet(() -> Objects.requireNonNull(source.model));
        ModelConfig config = ModelConfig.read(model);
        require(longest() <= config.contextLength(), lengths() + " need " + longest()
                + " tokens, the model's context holds " + config.contextLength());
        counts.measured()
                .ifPresent(each -> requireOnePerLayer(each, config.layers(), config.numberOfHeads()));
        Optional<ClusterProfile> profile = counts.measured()
                .map(each -> new ClusterProfile(config.shape(), each, Membership.defaults())).or(() -> read);
        profile.ifPresent(present -> present.requireFits(config.shape()));
        ChaiOptions options = options();
        if (!clients.isEmpty()) {
            measureClients(model, config, profile);
            return 0;
        }
        Benchmark.Result result = new Benchmark(new Benchmark.Plan(model, options, profile,
                BenchArm.of(kinds, kvTypes), contexts.stream().distinct().toList(), runs,
                decodeTokens, warmUpMillis, deadline, counts.whole()), this::progress).run();
        Benchmarked benchmarked = new Benchmarked(
                shape.map(SyntheticShape::name)
                        .orElseGet(() -> model.toAbsolutePath().normalize().getFileName().toString()),
                config.shape(), weights == null ? "as stored" : weights.name(), options, profile, result);
        print(benchmarked);
        // After the results are printed: hours of measuring are not lost for a full disk.
        report.write(() -> BenchPage.of(benchmarked));
        return 0;
    }

    private void measureClients(Path model, ModelConfig config, Optional<ClusterProfile> profile) {
        ClientsBenchmark.Result measured = new ClientsBenchmark(new ClientsBenchmark.Plan(model, options(),
                profile, BenchArm.of(clientKinds(), kvTypes), contexts.stream().distinct().toList(), clients, runs,
                decodeTokens, incoming == null ? OptionalInt.empty() : OptionalInt.of(incoming),
                slice == null ? SchedulerLimits.DEFAULT.maxSliceTokens() : slice, warmUpMillis),
                this::progress).run();
        ClientsOutput output = new ClientsOutput(
                List.of(config.shape() + ", weights " + (weights == null ? "as stored" : weights.name()),
                        Benchmarked.machine(options())),
                decodeTokens, measured);
        PrintWriter out = command.commandLine().getOut();
        if (json) {
            out.println(output.toJson());
        } else {
            output.print(out);
        }
        out.flush();
    }

    /** Jlama's own attention answers one after another. */
    private List<ArmKind> clientKinds() {
        return kinds.stream().filter(kind -> !kind.isStock()).toList();
    }

    private void print(Benchmarked benchmarked) {
        PrintWriter out = command.commandLine().getOut();
        if (json) {
            out.println(BenchJson.of(benchmarked));
        } else {
            BenchText.print(out, benchmarked);
        }
        out.flush();
    }

    private long deadlineNanos() {
        require(maxSeconds == null || maxSeconds > 0 && maxSeconds <= MAX_SECONDS,
                "--max-seconds must be 1 to " + MAX_SECONDS + ", found " + maxSeconds);
        return TimeUnit.SECONDS.toNanos(maxSeconds == null ? MAX_SECONDS : maxSeconds);
    }

    /**
     * Distributes clusters over the layers of a generated model. They may be named for each of its layers, or for each
     * of the real model's; then the generated model's layers get the counts of real ones at even distances.
     */
    private Counts countsOfGenerated(SyntheticShape shape, Optional<List<Integer>> named) {
        int measured = generatedLayers();
        List<Integer> unknown = measured == shape.layers() ? List.of()
                : Collections.nCopies(shape.layers(), Benchmark.UNKNOWN_CLUSTERS);
        return named.map(counts -> {
            if (counts.size() == shape.layers() && measured < shape.layers()) {
                requireOnePerLayer(counts, shape.layers(), shape.heads());
                return new Counts(Optional.of(SyntheticShape.evenlySpaced(counts, measured)), counts);
            }
            requireOnePerLayer(counts, measured, shape.heads());
            return new Counts(named, unknown);
        }).orElseGet(() -> new Counts(named, unknown));
    }

    /** Before anything is generated or loaded, which takes minutes. */
    private void requirePossibleNumbers() {
        if (source.model != null) {
            require(layers == null && weights == null, "--layers and --weights describe a generated model (--shape)");
        }
        require(layers == null || layers > 0, "--layers must be at least 1, found " + layers);
        require(warmUpMillis >= 0, "--warm-up must be 0 or more, found " + warmUpMillis);
        report.check();
        require(runs > 0, "--runs must be at least 1, found " + runs);
        require(decodeTokens > 0, "--decode must be at least 1, found " + decodeTokens);
        require(clients.stream().allMatch(each -> each > 0), "--clients must be at least 1, found " + clients);
        require(clients.isEmpty() || decodeTokens > 1, "--clients needs answers of 2 tokens or more (--decode)");
        require(clients.isEmpty() || !clientKinds().isEmpty(), "--clients measures exact and clustered arms only");
        require(incoming == null || incoming > 0 && !clients.isEmpty(),
                "--incoming must be at least 1 and needs --clients, found " + incoming);
        require(slice == null || slice > 0 && !clients.isEmpty(),
                "--slice must be at least 1 and needs --clients, found " + slice);
        require(clients.isEmpty() || !report.isPresent() && maxSeconds == null,
                "--clients knows neither --report nor --max-seconds");
        require(contexts.stream().allMatch(context -> context > 0), "--context must be at least 1, found " + contexts);
        require(longest() <= MAX_CONTEXT, lengths() + " must be at most " + MAX_CONTEXT + " together, found "
                + longest());
        require(threads == null || threads > 0 && threads <= ChaiOptions.MAX_THREADS,
                "--threads must be 1 to " + ChaiOptions.MAX_THREADS + ", found " + threads);
        require(!kinds.contains(ArmKind.CLUSTERED) || clusters != null,
                "clustered needs --profile FILE or --clusters KxL,...");
    }

    private String lengths() {
        return incoming == null ? "--context and --decode" : "--context, --decode and --incoming";
    }

    private long longest() {
        return (long) Collections.max(contexts) + decodeTokens + (incoming == null ? 0 : incoming + 2);
    }

    private int generatedLayers() {
        return layers == null ? DEFAULT_LAYERS : layers;
    }

    private ChaiOptions options() {
        return ChaiOptions.exact().with(change -> {
            if (threads != null) {
                change.threads(threads);
            }
            if (operators != null) {
                change.operators(operators);
            }
            if (weights == GeneratedWeights.Q4 || weights == GeneratedWeights.Q8) {
                change.weights(WeightType.valueOf(weights.name()));
            }
            if (kvCacheMaxBytes != null) {
                change.kvCacheMaxBytes(kvCacheMaxBytes);
            }
        });
    }

    private void progress(String line) {
        PrintWriter err = command.commandLine().getErr();
        err.println(line);
        err.flush();
    }

    private SyntheticShape shape(String name) {
        try {
            return SyntheticShape.of(name);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage());
        }
    }

    private Path generate(SyntheticShape shape) {
        SyntheticModel generated = new SyntheticModel(shape, generatedLayers(),
                (int) Math.max(DEFAULT_CONTEXT, longest()),
                weights == null || weights == GeneratedWeights.F32 ? "F32" : "BF16");
        try {
            return generated.writeUnder(directory, this::progress);
        } catch (IOException e) {
            throw new ModelLoadException("the generated model cannot be written to " + directory + ": " + e, e);
        }
    }

    private List<Integer> parseClusters(String text) {
        List<Integer> counts = new ArrayList<>();
        for (String part : text.split(",", -1)) {
            Matcher matcher = CLUSTERS.matcher(part);
            require(matcher.matches(), "--clusters must be like 32x18,4x14, found " + text);
            counts.addAll(Collections.nCopies(Integer.parseInt(matcher.group(2)), Integer.parseInt(matcher.group(1))));
        }
        return counts;
    }

    private void requireOnePerLayer(List<Integer> counts, int numberOfLayers, int heads) {
        require(counts.size() == numberOfLayers,
                "--clusters names " + counts.size() + " layers, the model has " + numberOfLayers);
        for (int count : counts) {
            require(count >= 1 && count <= heads,
                    "--clusters must be 1 to " + heads + " in every layer, the model's heads; found " + count);
        }
    }

    private void require(boolean condition, String message) {
        if (!condition) {
            throw new ParameterException(command.commandLine(), message);
        }
    }
}
