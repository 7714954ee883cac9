// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import io.github.chaijlama.calibrate.CalibrationOptions;
import io.github.chaijlama.calibrate.ChoiceComparison;
import io.github.chaijlama.calibrate.ClusterCounts;
import io.github.chaijlama.calibrate.ComparedChoice;
import io.github.chaijlama.evaluate.ReadLimits;
import io.github.chaijlama.evaluate.TextFormat;
import io.github.chaijlama.evaluate.TextSet;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;

/** {@code chai compare}: which way to find clusters suits a model. */
@Command(name = "compare", mixinStandardHelpOptions = true, description = "Compares the ways to find clusters, at the "
        + "numbers of clusters of a profile: windows, the whole prompt, static and random members, both algorithms, "
        + "both representatives. The first half of each text is the prompt, the second half is measured.")
final class CompareCommand implements Callable<Integer> {
    @Spec
    private CommandSpec command;

    @Mixin
    private LoadingOptions model;

    @Option(names = "--texts", required = true, paramLabel = "FILE", description = "texts, as for calibrate")
    @SuppressWarnings("NullAway.Init")
    private Path texts;

    @Option(names = "--profile", required = true, paramLabel = "FILE", description = "profile whose numbers of "
            + "clusters to use; its members do not matter")
    @SuppressWarnings("NullAway.Init")
    private Path profile;

    @Option(names = "--samples", paramLabel = "N", defaultValue = "100", description = "the most texts to measure on, "
            + "and as many others for static members; default: ${DEFAULT-VALUE}")
    private int samples;

    @Option(names = "--seed", paramLabel = "N", defaultValue = ""
            + CalibrationOptions.DEFAULT_SEED,
            description = "divides the texts and draws random "
                    + "clusters; default: ${DEFAULT-VALUE}")
    private long seed;

    @Option(names = "--json", description = "print as JSON")
    private boolean json;

    @Override
    public Integer call() {
        if (samples < 1) {
            throw model.usage("--samples must be at least 1, found " + samples);
        }
        ClusterProfile counts = ClusterProfile.read(profile);
        counts.requireFits(ModelConfig.read(model.model()).shape());
        PrintWriter err = command.commandLine().getErr();
        try (TextModel loaded = TextModel.load(model.model(), model.toChaiOptions(), model.progress())) {
            TextSet set = TextSet.read(texts, TextFormat.AUTO, loaded,
                    ReadLimits.ofTokens(
                            Math.min(CalibrationOptions.DEFAULT_MAX_TOKENS, loaded.model().config().contextLength())),
                    bad -> err.println("skipped: " + bad));
            List<ComparedChoice> choices = new ChoiceComparison(loaded.model(), new ClusterCounts(counts.clusters()),
                    seed, new ProgressPrinter(err)).run(set.texts(), samples);
            PrintWriter out = command.commandLine().getOut();
            if (json) {
                out.println(toJson(counts, choices));
            } else {
                print(out, counts, choices);
            }
            out.flush();
            return 0;
        }
    }

    private static void print(PrintWriter out, ClusterProfile counts, List<ComparedChoice> choices) {
        out.println("clusters per layer: " + counts.clusters() + ", " + choices.getFirst().texts() + " texts");
        out.printf("%-46s %22s %26s %12s%n", "choice", "divergence", "perplexity", "memberships");
        for (ComparedChoice choice : choices) {
            out.printf(Locale.ROOT, "%-46s %10.5f (se %.5f) %+12.2f %% (se %.2f) %12d%n", choice.name(),
                    choice.divergence().value(), choice.divergence().standardError(),
                    100 * choice.logLossDifference().expm1().value(),
                    100 * choice.logLossDifference().standardError(), choice.memberships());
        }
    }

    private static ObjectNode toJson(ClusterProfile counts, List<ComparedChoice> choices) {
        ObjectNode root = Json.object();
        Json.putNumbers(root, "clusters", counts.clusters().stream().mapToInt(Integer::intValue).toArray());
        ArrayNode list = root.putArray("choices");
        for (ComparedChoice choice : choices) {
            list.addObject().put("name", choice.name()).put("divergence", choice.divergence().value())
                    .put("divergenceError", choice.divergence().standardError())
                    .put("logLossDifference", choice.logLossDifference().value())
                    .put("logLossDifferenceError", choice.logLossDifference().standardError())
                    .put("memberships", choice.memberships()).put("texts", choice.texts());
        }
        return root;
    }
}
