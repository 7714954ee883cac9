// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.bench.Benchmark;
import io.github.chaijlama.bench.Measurement;
import io.github.chaijlama.bench.Spread;
import io.github.chaijlama.bench.SyntheticModel;
import io.github.chaijlama.bench.SyntheticShape;
import io.github.chaijlama.jlama.LoadedModel;
import io.github.chaijlama.jlama.ModelConfig;
import io.github.chaijlama.jlama.ModelLoadException;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

/** {@code chai bench}: time and memory of the attentions, side by side. */
@Command(name = "bench", mixinStandardHelpOptions = true, description = "Measures prefill and decode of a model, or of random weights of a well-known shape, with each attention.")
final class BenchCommand implements Callable<Integer> {
    private static final int DEFAULT_LAYERS = 4;
    private static final int DEFAULT_CONTEXT = 4096;
    private static final int MAX_CONTEXT = 1 << 20;
    private static final Pattern CLUSTERS = Pattern.compile("(\\d{1,4})x(\\d{1,4})");

    @Spec
    private CommandSpec command;

    @ArgGroup(multiplicity = "1")
    private Source source;

    /** What to measure. */
    static final class Source {
        @Option(names = "--model", required = true, paramLabel = "DIR", description = "model directory")
        private Path model;

        @Option(names = "--shape", required = true, paramLabel = "NAME", description = "random weights of this shape: llama-2-7b, llama-3.2-1b or tinyllama-1.1b")
        private String shape;
    }

    @Option(names = "--layers", paramLabel = "N", description = "layers of a generated model; default: 4")
    private Integer layers;

    @Option(names = "--weights", paramLabel = "TYPE", description = "weights of a generated model, F32 or BF16; default: F32")
    private String weights;

    @Option(names = "--directory", paramLabel = "DIR", description = "where generated models are kept; default: chai-bench in the temporary directory")
    private Path directory = Path.of(System.getProperty("java.io.tmpdir"), "chai-bench");

    @Option(names = "--context", split = ",", paramLabel = "N", defaultValue = "128,512,2048", description = "tokens of the prompts; default: ${DEFAULT-VALUE}")
    private List<Integer> contexts;

    @Option(names = "--arms", split = ",", paramLabel = "MODE", defaultValue = "stock,exact,clustered", description = "attentions to compare; default: ${DEFAULT-VALUE}")
    private List<AttentionMode> arms;

    @ArgGroup
    private Clusters clusters;

    /** Which heads to cluster. */
    static final class Clusters {
        @Option(names = "--profile", required = true, paramLabel = "FILE", description = "cluster profile")
        private Path profile;

        @Option(names = "--clusters", required = true, paramLabel = "KxL,...", description = "K clusters in the next L layers, for instance 32x1,4x3; ONLINE membership")
        private String counts;
    }

    @Option(names = "--runs", paramLabel = "N", defaultValue = "3", description = "runs that count, after one that does not; default: ${DEFAULT-VALUE}")
    private int runs;

    @Option(names = "--decode", paramLabel = "N", defaultValue = "16", description = "tokens to decode after each prompt; default: ${DEFAULT-VALUE}")
    private int decodeTokens;

    @Option(names = "--json", description = "print as JSON")
    private boolean json;

    @Option(names = "--threads", paramLabel = "N", description = "threads of a step; default: all processors")
    private Integer threads;

    @Option(names = "--kv-cache", paramLabel = "SIZE", converter = ByteSize.class, description = "budget for keys and values, for instance 512MiB; default: a quarter of the machine's memory")
    private Long kvCacheMaxBytes;

    @Override
    public Integer call() {
        requirePossibleNumbers();
        List<Integer> counts = clusters == null || clusters.counts == null ? null : parseClusters(clusters.counts);
        ClusterProfile fromFile = clusters == null || clusters.profile == null ? null
                : ClusterProfile.read(clusters.profile);
        SyntheticModel generated = source.shape == null ? null : describeGenerated();
        if (generated != null && counts != null) {
            requireOnePerLayer(counts, generatedLayers(), SyntheticShape.of(source.shape).heads());
        }
        Path model = generated == null ? source.model : write(generated);
        ModelConfig config = LoadedModel.readConfig(model);
        require(longest() <= config.contextLength(), "--context and --decode need " + longest()
                + " tokens, the model's context holds " + config.contextLength());
        ClusterProfile profile = fromFile;
        if (counts != null) {
            requireOnePerLayer(counts, config.layers(), config.heads().numberOfHeads());
            profile = new ClusterProfile(config.shape(), counts, Membership.defaults());
        }
        if (profile != null) {
            profile.requireFits(config.shape());
        }
        ChaiOptions options = options();
        List<Measurement> measurements = new Benchmark(
                new Benchmark.Plan(model, options, profile, arms, contexts, runs, decodeTokens), this::progress).run();
        PrintWriter out = command.commandLine().getOut();
        if (json) {
            out.println(toJson(config, options, profile, measurements));
        } else {
            print(out, config, options, profile, measurements);
        }
        out.flush();
        return 0;
    }

    /** Before anything is generated or loaded, which takes minutes. */
    private void requirePossibleNumbers() {
        if (source.model != null) {
            require(layers == null && weights == null, "--layers and --weights describe a generated model (--shape)");
        }
        require(layers == null || layers > 0, "--layers must be at least 1, found " + layers);
        require(runs > 0, "--runs must be at least 1, found " + runs);
        require(decodeTokens > 0, "--decode must be at least 1, found " + decodeTokens);
        require(contexts.stream().allMatch(context -> context > 0), "--context must be at least 1, found " + contexts);
        require(longest() <= MAX_CONTEXT, "--context and --decode must be at most " + MAX_CONTEXT + " together, found "
                + longest());
        require(threads == null || threads > 0 && threads <= ChaiOptions.MAX_THREADS,
                "--threads must be 1 to " + ChaiOptions.MAX_THREADS + ", found " + threads);
        require(!arms.contains(AttentionMode.CLUSTERED) || clusters != null,
                "clustered needs --profile FILE or --clusters KxL,...");
    }

    private long longest() {
        return (long) Collections.max(contexts) + decodeTokens;
    }

    private int generatedLayers() {
        return layers == null ? DEFAULT_LAYERS : layers;
    }

    private ChaiOptions options() {
        ChaiOptions options = threads == null ? ChaiOptions.exact() : ChaiOptions.exact().withThreads(threads);
        return kvCacheMaxBytes == null ? options : options.withKvCacheMaxBytes(kvCacheMaxBytes);
    }

    private void progress(String line) {
        PrintWriter err = command.commandLine().getErr();
        err.println(line);
        err.flush();
    }

    private SyntheticModel describeGenerated() {
        try {
            return new SyntheticModel(SyntheticShape.of(source.shape), generatedLayers(),
                    (int) Math.max(DEFAULT_CONTEXT, longest()),
                    weights == null ? "F32" : weights.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage());
        }
    }

    private Path write(SyntheticModel generated) {
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

    private static String machine(ChaiOptions options) {
        return Runtime.getRuntime().availableProcessors() + " processors (" + System.getProperty("os.arch") + "), "
                + options.threads() + " threads, Java " + Runtime.version() + ", kernels: "
                + KernelProvider.get().description();
    }

    private static void print(PrintWriter out, ModelConfig config, ChaiOptions options, ClusterProfile profile,
            List<Measurement> measurements) {
        out.println(config.shape());
        out.println(machine(options));
        if (profile != null) {
            out.println("clusters per layer: " + profile.clusters());
        }
        out.println("medians (smallest to largest)");
        out.printf("%-8s %-10s %28s %28s %12s%n", "context", "attention", "prefill ms", "decode ms per token",
                "K+V MiB");
        for (Measurement measurement : measurements) {
            out.printf(Locale.ROOT, "%-8d %-10s %28s %28s %12.2f%n", measurement.context(),
                    measurement.attention().name().toLowerCase(Locale.ROOT), format(measurement.prefillMillis()),
                    format(measurement.decodeMillis()), measurement.kvCacheBytes() / (double) (1 << 20));
        }
    }

    private static String format(Spread spread) {
        return String.format(Locale.ROOT, "%.2f (%.2f to %.2f)", spread.median(), spread.min(), spread.max());
    }

    private static ObjectNode toJson(ModelConfig config, ChaiOptions options, ClusterProfile profile,
            List<Measurement> measurements) {
        ObjectNode root = Json.object();
        root.put("model", config.shape().toString()).put("machine", machine(options)).put("threads", options.threads());
        if (profile != null) {
            Json.putNumbers(root, "clusters", profile.clusters().stream().mapToInt(Integer::intValue).toArray());
        }
        ArrayNode list = root.putArray("measurements");
        for (Measurement measurement : measurements) {
            ObjectNode node = list.addObject();
            node.put("context", measurement.context()).put("attention", measurement.attention().name());
            put(node.putObject("prefillMillis"), measurement.prefillMillis());
            put(node.putObject("decodeMillis"), measurement.decodeMillis());
            node.put("kvCacheBytes", measurement.kvCacheBytes());
        }
        return root;
    }

    private static void put(ObjectNode node, Spread spread) {
        node.put("median", spread.median()).put("min", spread.min()).put("max", spread.max());
    }
}
