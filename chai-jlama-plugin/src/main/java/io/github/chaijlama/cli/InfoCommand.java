// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.generate.ChatTemplate;
import io.github.chaijlama.generate.TextTokenizer;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelDirectory;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.profile.ClusterProfile;

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
            print(info);
            return CommandLine.ExitCode.OK;
        } catch (ModelLoadException e) {
            return explain(e);
        }
    }

    private void print(ObjectNode info) {
        PrintWriter out = command.commandLine().getOut();
        if (json) {
            out.println(info);
        } else {
            print(out, info, "");
        }
        out.flush();
    }

    /** Says everything that keeps a model from running. */
    private int explain(ModelLoadException first) {
        List<String> reasons = ModelReasons.of(model, first);
        if (json) {
            ObjectNode root = Json.object().put("runs", false);
            reasons.forEach(root.putArray("reasons")::add);
            print(root);
        } else if (reasons.size() == 1) {
            throw first;
        } else {
            PrintWriter err = command.commandLine().getErr();
            err.println("chai: " + model + " cannot be run, for " + reasons.size() + " reasons:");
            reasons.forEach(reason -> err.println("- " + reason));
        }
        return CommandLine.ExitCode.SOFTWARE;
    }

    private static ObjectNode describe(ChaiModel loaded, Optional<ClusterProfile> profile) {
        ModelConfig config = loaded.config();
        ObjectNode root = Json.object().put("runs", true);
        ObjectNode shape = root.putObject("model").put("type", config.modelType()).put("layers", config.layers())
                .put("heads", config.numberOfHeads());
        putOfLayers(shape, "kvHeads", config.shape().kvHeads());
        putOfLayers(shape, "headSize", config.shape().headSizes());
        shape.put("hiddenSize", config.hiddenSize())
                .put("intermediateSize", config.intermediateSize()).put("vocabularySize", config.vocabularySize())
                .put("contextLength", config.contextLength()).put("parameters", loaded.numberOfParameters())
                .put("weightType", loaded.weightType()).put("weightBytes", loaded.weightBytes());
        List<Integer> windows = config.layerConfigs().stream().map(layer -> layer.attention().scores().window())
                .filter(window -> window > 0).toList();
        shape.put("layersWithWindow", windows.size());
        config.shortestWindow().ifPresent(window -> shape.put("window", window));
        config.quantization().remarks().forEach(shape.withArray("remarks")::add);
        root.putObject("machine").put("operators", loaded.operators())
                .put("kernels", KernelProvider.get().description()).put("java", Runtime.version().toString())
                .put("processors", Runtime.getRuntime().availableProcessors());
        KvMemory exactly = new KvMemory(config, ClusterProfile.exact(config.shape()));
        long exact = exactly.bytesPerToken();
        ObjectNode cache = root.putObject("kvCache").put("type", "F32").put("exactBytesPerToken", exact)
                .put("exactBytesOf1000Tokens", exactly.bytes(1000)).put("exactBytesPerTokenI8",
                        exactly.bytesPerToken(KvType.I8));
        GroupedQueries.remark(config.shape()).ifPresent(remark -> cache.put("groupedQueries", remark));
        profile.ifPresent(clusters -> {
            KvMemory shared = new KvMemory(config, clusters);
            long clustered = shared.bytesPerToken();
            cache.put("clusteredBytesPerToken", clustered);
            cache.put("clusteredBytesOf1000Tokens", shared.bytes(1000));
            cache.put("saving", (double) (exact - clustered) / exact);
            cache.put("scoreSaving",
                    1 - clusters.clusters().stream().mapToInt(Integer::intValue).average().orElseThrow()
                            / config.numberOfHeads());
            ObjectNode node = root.putObject("profile");
            Json.putNumbers(node, "clusters", clusters.clusters().stream().mapToInt(Integer::intValue).toArray());
            node.put("membership", Wording.membership(clusters.membership()));
        });
        return root;
    }

    /** Puts a number, or a list where layers have different ones. */
    private static void putOfLayers(ObjectNode node, String key, List<Integer> ofLayers) {
        if (ofLayers.size() == 1) {
            node.put(key, ofLayers.getFirst());
        } else {
            ofLayers.forEach(node.withArray(key)::add);
        }
    }

    /** A model without a tokenizer still has weights to look at. */
    private void describeText(ObjectNode root, ModelConfig config) {
        ObjectNode text = root.putObject("text");
        Path directory = ModelDirectory.of(model);
        if (!Files.exists(directory.resolve("tokenizer.json"))) {
            text.putNull("tokenizer");
            return;
        }
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, config)) {
            Optional<ChatTemplate> template = ChatTemplate.read(directory, tokenizer);
            text.put("tokenizer", "tokenizer.json").put("chatTemplate", template.isPresent())
                    .put("tools", template.filter(ChatTemplate::acceptsTools).isPresent())
                    .put("json", canBeHeldToJson(tokenizer))
                    .put("thinking", template.filter(ChatTemplate::marksThinking).isPresent())
                    .put("systemMessages", template.filter(ChatTemplate::understandsSystemMessages).isPresent());
            tokenizer.bosToken().ifPresentOrElse(token -> text.put("bosToken", token), () -> text.putNull("bosToken"));
            Json.putNumbers(text, "endTokens",
                    tokenizer.endTokens().stream().mapToInt(Integer::intValue).sorted().toArray());
        }
    }

    /** Every byte must be a token of its own, or there would be texts that no tokens make. */
    private static boolean canBeHeldToJson(TextTokenizer tokenizer) {
        try {
            return tokenizer.vocabulary().size() > 0;
        } catch (UnsupportedOperationException _) {
            return false;
        }
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
