// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.generate.ChatTemplate;
import io.github.chaijlama.generate.TextTokenizer;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

/** {@code chai info}: what a model is, and what a profile would save. */
@Command(name = "info", mixinStandardHelpOptions = true, description = "Shows a model's shape, what this machine runs "
        + "it with, and what a cluster profile saves.")
final class InfoCommand implements Callable<Integer> {

    @Spec
    private CommandSpec command;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "model directory in Hugging Face "
            + "layout")
    @SuppressWarnings("NullAway.Init")
    private Path model;

    @Option(names = "--profile", paramLabel = "FILE", description = "cluster profile (chai-profile/1)")
    private @Nullable Path profile;

    @Option(names = "--weights", paramLabel = "TYPE", defaultValue = "stored", description = "stored: as the files "
            + "have them; q4, q8: quantized to four or eight bits when loaded; default: stored")
    @SuppressWarnings("NullAway.Init")
    private WeightType weights;

    @Option(names = "--operators", paramLabel = "NAME", defaultValue = "auto", description = "what calculates matrix "
            + "products: jlama, vector (this program's own), blas (a BLAS library for prompts), or auto; default: auto")
    @SuppressWarnings("NullAway.Init")
    private Operators operators;

    @Option(names = "--json", description = "print as JSON")
    private boolean json;

    @Override
    public Integer call() {
        if (weights == WeightType.Q8 && operators == Operators.JLAMA) {
            throw new ParameterException(command.commandLine(), LoadingOptions.Q8_IS_OURS);
        }
        Optional<ClusterProfile> clusters = Optional.ofNullable(profile).map(ClusterProfile::read);
        ChaiOptions options = clusters.map(ChaiOptions::clustered).orElseGet(ChaiOptions::exact);
        try (ChaiModel loaded = ChaiModel.load(model,
                options.with(change -> change.weights(weights).operators(operators)),
                new RemainingTime(command.commandLine().getErr(), "weights")::report)) {
            ObjectNode info = describe(loaded, clusters);
            describeText(info, loaded.config());
            PrintWriter out = command.commandLine().getOut();
            if (json) {
                out.println(info);
            } else {
                print(out, info, "");
            }
            out.flush();
            return 0;
        }
    }

    private static ObjectNode describe(ChaiModel loaded, Optional<ClusterProfile> profile) {
        ModelConfig config = loaded.config();
        ObjectNode root = Json.object();
        root.putObject("model").put("type", config.modelType()).put("layers", config.layers())
                .put("heads", config.heads().numberOfHeads()).put("kvHeads", config.heads().numberOfKvHeads())
                .put("headSize", config.heads().headSize()).put("hiddenSize", config.hiddenSize())
                .put("intermediateSize", config.intermediateSize()).put("vocabularySize", config.vocabularySize())
                .put("contextLength", config.contextLength()).put("parameters", loaded.numberOfParameters())
                .put("weightType", loaded.weightType()).put("weightBytes", loaded.weightBytes());
        root.putObject("machine").put("operators", loaded.operators())
                .put("kernels", KernelProvider.get().description()).put("java", Runtime.version().toString())
                .put("processors", Runtime.getRuntime().availableProcessors());
        long exact = kvBytesPerToken(config, ClusterProfile.exact(config.shape()));
        ObjectNode cache = root.putObject("kvCache").put("exactBytesPerToken", exact).put("exactBytesPerTokenI8",
                2L * config.layers() * config.heads().numberOfKvHeads()
                        * KvType.I8.rowBytes(config.heads().headSize()));
        GroupedQueries.remark(config.shape()).ifPresent(remark -> cache.put("groupedQueries", remark));
        profile.ifPresent(clusters -> {
            long clustered = kvBytesPerToken(config, clusters);
            cache.put("clusteredBytesPerToken", clustered);
            cache.put("saving", (double) (exact - clustered) / exact);
            cache.put("scoreSaving",
                    1 - clusters.clusters().stream().mapToInt(Integer::intValue).average().orElseThrow()
                            / config.heads().numberOfHeads());
            ObjectNode node = root.putObject("profile");
            Json.putNumbers(node, "clusters", clusters.clusters().stream().mapToInt(Integer::intValue).toArray());
            node.put("membership", Wording.membership(clusters.membership()));
        });
        return root;
    }

    /** A model without a tokenizer still has weights to look at. */
    private void describeText(ObjectNode root, ModelConfig config) {
        ObjectNode text = root.putObject("text");
        if (!Files.exists(model.resolve("tokenizer.json"))) {
            text.putNull("tokenizer");
            return;
        }
        try (TextTokenizer tokenizer = TextTokenizer.load(model, config)) {
            text.put("tokenizer", "tokenizer.json").put("chatTemplate", ChatTemplate.existsIn(model));
            tokenizer.bosToken().ifPresentOrElse(token -> text.put("bosToken", token), () -> text.putNull("bosToken"));
            Json.putNumbers(text, "endTokens",
                    tokenizer.endTokens().stream().mapToInt(Integer::intValue).sorted().toArray());
        }
    }

    /**
     * Returns bytes of keys and values per token. With ONLINE membership and grouped-query attention the clusters of a
     * sequence may keep fewer keys than this says.
     */
    private static long kvBytesPerToken(ModelConfig config, ClusterProfile clusters) {
        long heads = 0;
        for (int layer = 0; layer < config.layers(); layer++) {
            heads += config.heads().numberOfKvHeads() + keyHeads(config, clusters, layer);
        }
        return heads * config.heads().headSize() * Float.BYTES;
    }

    private static int keyHeads(ModelConfig config, ClusterProfile clusters, int layer) {
        int kvHeads = config.heads().numberOfKvHeads();
        return switch (clusters.membership()) {
            case Membership.Static(List<HeadClusters> layers) ->
                (int) Arrays.stream(layers.get(layer).representatives()).map(config.heads()::kvHead).distinct().count();
            case Membership.Online _,Membership.Prompt _ -> Math.min(kvHeads, clusters.clusters().get(layer));
        };
    }

    private static void print(PrintWriter out, ObjectNode node, String indent) {
        node.properties().forEach(entry -> {
            if (entry.getValue() instanceof ObjectNode inner) {
                out.println(indent + entry.getKey());
                print(out, inner, indent + "  ");
            } else {
                String value = entry.getKey().endsWith("aving")
                        ? String.format(Locale.ROOT, "%.1f %%", 100 * entry.getValue().doubleValue())
                        : entry.getValue().isTextual() ? entry.getValue().textValue() : entry.getValue().toString();
                out.printf("%s%-22s %s%n", indent, entry.getKey(), value);
            }
        });
    }
}
