// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;

import com.fasterxml.jackson.databind.node.ObjectNode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.jlama.ModelConfig;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.profile.ClusterProfile;

/** {@code chai info}: what a model is, and what a profile would save. */
@Command(name = "info", mixinStandardHelpOptions = true, description = "Shows a model's shape, what this machine runs it with, and what a cluster profile saves.")
final class InfoCommand implements Callable<Integer> {

    @Spec
    private CommandSpec command;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "model directory in Hugging Face layout")
    private Path model;

    @Option(names = "--profile", paramLabel = "FILE", description = "cluster profile (chai-profile/1)")
    private Path profile;

    @Option(names = "--json", description = "print as JSON")
    private boolean json;

    @Override
    public Integer call() {
        ClusterProfile clusters = profile == null ? null : ClusterProfile.read(profile);
        ChaiOptions options = clusters == null ? ChaiOptions.exact() : ChaiOptions.clustered(clusters);
        try (TextModel loaded = TextModel.load(model, options)) {
            ObjectNode info = describe(loaded, clusters);
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

    private static ObjectNode describe(TextModel loaded, ClusterProfile clusters) {
        ModelConfig config = loaded.model().config();
        ObjectNode root = Json.object();
        root.putObject("model").put("type", config.family().modelType()).put("layers", config.layers())
                .put("heads", config.heads().numberOfHeads()).put("kvHeads", config.heads().numberOfKvHeads())
                .put("headSize", config.heads().headSize()).put("hiddenSize", config.hiddenSize())
                .put("intermediateSize", config.intermediateSize()).put("vocabularySize", config.vocabularySize())
                .put("contextLength", config.contextLength()).put("parameters", loaded.model().numberOfParameters())
                .put("weightType", loaded.model().weightType()).put("weightBytes", loaded.model().weightBytes());
        ObjectNode text = root.putObject("text").put("chatTemplate", loaded.chatTemplate().isPresent());
        text.put("bosToken", loaded.tokenizer().bosToken());
        Json.putNumbers(text, "endTokens",
                loaded.tokenizer().endTokens().stream().mapToInt(Integer::intValue).sorted().toArray());
        root.putObject("machine").put("operators", loaded.model().operators())
                .put("kernels", KernelProvider.get().description()).put("java", Runtime.version().toString())
                .put("processors", Runtime.getRuntime().availableProcessors());
        long exact = kvBytesPerToken(config, null);
        ObjectNode cache = root.putObject("kvCache").put("exactBytesPerToken", exact);
        if (clusters != null) {
            long clustered = kvBytesPerToken(config, clusters);
            cache.put("clusteredBytesPerToken", clustered);
            cache.put("saving", String.format(Locale.ROOT, "%.1f %%", 100.0 * (exact - clustered) / exact));
            ObjectNode node = root.putObject("profile");
            Json.putNumbers(node, "clusters", clusters.clusters().stream().mapToInt(Integer::intValue).toArray());
            node.put("membership", clusters.membership().toString());
        }
        return root;
    }

    /** Returns bytes of keys and values per token; with grouped-query attention a profile may keep fewer keys than this says. */
    private static long kvBytesPerToken(ModelConfig config, ClusterProfile clusters) {
        long heads = 0;
        int kvHeads = config.heads().numberOfKvHeads();
        for (int layer = 0; layer < config.layers(); layer++) {
            heads += kvHeads + (clusters == null ? kvHeads : Math.min(kvHeads, clusters.clusters().get(layer)));
        }
        return heads * config.heads().headSize() * Float.BYTES;
    }

    private static void print(PrintWriter out, ObjectNode node, String indent) {
        node.properties().forEach(entry -> {
            if (entry.getValue() instanceof ObjectNode inner) {
                out.println(indent + entry.getKey());
                print(out, inner, indent + "  ");
            } else {
                String value = entry.getValue().isTextual() ? entry.getValue().textValue()
                        : entry.getValue().toString();
                out.printf("%s%-22s %s%n", indent, entry.getKey(), value);
            }
        });
    }
}
