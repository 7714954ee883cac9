// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.evaluate.Arm;
import io.github.chaijlama.evaluate.BadLine;
import io.github.chaijlama.evaluate.ReadLimits;
import io.github.chaijlama.evaluate.TaskEvaluation;
import io.github.chaijlama.evaluate.TaskEvaluator;
import io.github.chaijlama.evaluate.TaskFormat;
import io.github.chaijlama.evaluate.TaskSet;
import io.github.chaijlama.evaluate.TextEvaluation;
import io.github.chaijlama.evaluate.TextEvaluator;
import io.github.chaijlama.evaluate.TextFormat;
import io.github.chaijlama.evaluate.TextSet;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.ModelShape;

/** {@code chai evaluate}: what clusters cost in quality. */
@Command(name = "evaluate", mixinStandardHelpOptions = true, description = "Measures a model with exact attention and "
        + "with clusters, side by side: perplexity, divergence and agreement on texts, accuracy on tasks.")
final class EvaluateCommand implements Callable<Integer> {
    private static final int DEFAULT_MAX_TOKENS = 2048;

    @Spec
    private CommandSpec command;

    @Mixin
    private LoadingOptions model;

    @Option(names = "--texts", paramLabel = "FILE", description = "texts: .jsonl with {\"messages\": [{\"role\", "
            + "\"text\"}, ..]} or {\"text\"} on each line; other files are plain text, a paragraph being a text")
    private @Nullable Path texts;

    @Option(names = "--tasks", paramLabel = "FILE", description = "tasks: JSON lines of PIQA, HellaSwag, ARC, BoolQ, "
            + "or {\"messages\", \"choices\", \"answer\"}")
    private @Nullable Path tasks;

    @Option(names = "--labels", paramLabel = "FILE", description = "right choices of the tasks, one index a line, "
            + "where they are in a file of their own (PIQA)")
    private @Nullable Path labels;

    @Option(names = "--format", paramLabel = "FORMAT", defaultValue = "auto", description = "format of the tasks: "
            + "auto, chat, piqa, hellaswag, arc, boolq; default: ${DEFAULT-VALUE}")
    @SuppressWarnings("NullAway.Init")
    private TaskFormat format;

    @Option(names = "--profile", paramLabel = "FILE", description = "cluster profile to compare with exact attention; "
            + "may be given several times")
    private List<Path> profiles = List.of();

    @Option(names = "--kv", split = ",", paramLabel = "TYPE", defaultValue = "F32", description = "types of keys and "
            + "values to compare, F32, BF16, I8; the reference is exact attention with F32; default: ${DEFAULT-VALUE}")
    @SuppressWarnings("NullAway.Init")
    private Set<KvType> kvTypes;

    @Option(names = "--max-tokens", paramLabel = "N", description = "texts are cut to N tokens; default: 2048, or what "
            + "the context holds")
    private @Nullable Integer maxTokens;

    @Option(names = "--limit", paramLabel = "N", defaultValue = "10000", description = "the most texts and tasks to "
            + "use, from the beginning of each file; default: ${DEFAULT-VALUE}")
    private int limit;

    @Mixin
    private ReportOption report;

    @Option(names = "--json", description = "print the result as JSON")
    private boolean json;

    @Override
    public Integer call() {
        require(texts != null || tasks != null,
                "there is nothing to evaluate: give --texts FILE, --tasks FILE or both");
        require(labels == null || tasks != null, "--labels belongs to --tasks FILE");
        require(limit > 0, "--limit must be at least 1, found " + limit);
        ChaiOptions options = model.toChaiOptions();
        report.check();
        // Mistakes in small files should not cost the time to load a model.
        ModelConfig config = ModelConfig.read(model.model());
        require(maxTokens == null || maxTokens >= 2 && maxTokens <= config.contextLength(),
                "--max-tokens must be 2 to " + config.contextLength() + ", what the model's context holds; found "
                        + maxTokens);
        List<Arm> arms = arms(config);
        try (TextModel loaded = TextModel.load(model.model(), options, model.progress())) {
            Evaluated evaluated = evaluate(loaded, arms);
            PrintWriter out = command.commandLine().getOut();
            if (json) {
                out.println(EvaluationJson.of(evaluated));
            } else {
                EvaluationText.print(out, evaluated);
            }
            out.flush();
            report.write(() -> new EvaluationPage(evaluated, PageFacts.of(loaded.model(), model.model())).report());
            return 0;
        }
    }

    /**
     * What was evaluated and what came of it.
     *
     * @param texts if there were any
     * @param tasks if there were any
     */
    record Evaluated(ModelShape shape, ChaiOptions options, Optional<Texts> texts, Optional<Tasks> tasks) {}

    /** Texts, and what came of them. */
    record Texts(TextSet set, TextEvaluation result) {}

    /** Tasks, and what came of them. */
    record Tasks(TaskSet set, TaskEvaluation result) {}

    /** Returns each profile, and exact attention, with each type of keys and values. */
    private List<Arm> arms(ModelConfig config) {
        List<Arm> ofF32 = new ArrayList<>(List.of(Arm.EXACT));
        for (Path file : profiles) {
            ClusterProfile profile = ClusterProfile.read(file);
            profile.requireFits(config.shape());
            long sameName = profiles.stream().filter(other -> other.getFileName().equals(file.getFileName())).count();
            ofF32.add(new Arm((sameName == 1 ? file.getFileName() : file).toString(), profile));
        }
        List<Arm> arms = new ArrayList<>();
        for (KvType type : kvTypes) {
            for (Arm arm : ofF32) {
                Arm stored = type == KvType.F32 ? arm : new Arm(arm.name() + " " + type, arm.profile(), type);
                if (!stored.equals(Arm.EXACT)) {
                    arms.add(stored);
                }
            }
        }
        return arms;
    }

    private Evaluated evaluate(TextModel loaded, List<Arm> arms) {
        int context = loaded.model().config().contextLength();
        // Both files are read before either is used: a mistake in the second should not cost the time of the first.
        Optional<TextSet> textSet = Optional.ofNullable(texts).map(file -> readTexts(file, loaded, context));
        Optional<TaskSet> taskSet = Optional.ofNullable(tasks).map(file -> readTasks(file, loaded, context));
        return new Evaluated(loaded.model().config().shape(), loaded.model().options(),
                textSet.map(set -> new Texts(set, new TextEvaluator(loaded.model(), set.texts(), 0).evaluate(arms,
                        new RemainingTime(err(), "texts")::report))),
                taskSet.map(set -> new Tasks(set, new TaskEvaluator(loaded, set.tasks()).evaluate(arms,
                        new RemainingTime(err(), "tasks")::report))));
    }

    private TextSet readTexts(Path file, TextModel loaded, int context) {
        int tokens = maxTokens == null ? Math.min(DEFAULT_MAX_TOKENS, context) : maxTokens;
        TextSet set = TextSet.read(file, TextFormat.AUTO, loaded,
                new ReadLimits(limit, tokens, ReadLimits.DEFAULT_MAX_BAD_LINES), this::skipped);
        say(set.texts().size() + " texts, " + set.totalTokens() + " tokens"
                + (set.cut() == 0 ? "" : ", " + set.cut() + " cut at " + tokens)
                + (set.complete() ? "" : "; the file has more"));
        return set;
    }

    private TaskSet readTasks(Path file, TextModel loaded, int context) {
        TaskSet set = TaskSet.read(file, Optional.ofNullable(labels), format, loaded,
                new ReadLimits(limit, context, ReadLimits.DEFAULT_MAX_BAD_LINES), this::skipped);
        say(set.tasks().size() + " tasks"
                + (set.tooLong() == 0 ? ""
                        : ", " + set.tooLong() + " skipped: longer than the context of " + context + " tokens")
                + (set.complete() ? "" : "; the file has more"));
        return set;
    }

    private void skipped(BadLine line) {
        say("skipped " + line);
    }

    private PrintWriter err() {
        return command.commandLine().getErr();
    }

    private void say(String line) {
        err().println(line);
        err().flush();
    }

    private void require(boolean condition, String message) {
        if (!condition) {
            throw new ParameterException(command.commandLine(), message);
        }
    }
}
