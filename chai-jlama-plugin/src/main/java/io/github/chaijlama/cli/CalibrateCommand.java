// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

import io.github.chaijlama.ChaiVersion;
import io.github.chaijlama.calibrate.Calibration;
import io.github.chaijlama.calibrate.CalibrationJson;
import io.github.chaijlama.calibrate.CalibrationOptions;
import io.github.chaijlama.calibrate.Calibrator;
import io.github.chaijlama.calibrate.HeadDistance;
import io.github.chaijlama.calibrate.LayerRedundancy;
import io.github.chaijlama.calibrate.MembershipChoice;
import io.github.chaijlama.calibrate.MembershipSettings;
import io.github.chaijlama.calibrate.QualityBudget;
import io.github.chaijlama.calibrate.QualityBudget.Measure;
import io.github.chaijlama.calibrate.QualityLoss;
import io.github.chaijlama.calibrate.Saving;
import io.github.chaijlama.calibrate.Share;
import io.github.chaijlama.calibrate.TaskSplit;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.evaluate.AnswerPrompts;
import io.github.chaijlama.evaluate.ReadLimits;
import io.github.chaijlama.evaluate.TaskFormat;
import io.github.chaijlama.evaluate.TaskSet;
import io.github.chaijlama.evaluate.TextFormat;
import io.github.chaijlama.evaluate.TextSet;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.profile.ProfileException;

/** {@code chai calibrate}: makes a cluster profile for a model from sample texts. */
@Command(name = "calibrate", mixinStandardHelpOptions = true, description = "Finds out which heads of a model attend "
        + "alike, and writes a cluster profile. A run that is stopped goes on when it is started again.")
final class CalibrateCommand implements Callable<Integer> {
    @Spec
    private CommandSpec command;

    @Mixin
    private LoadingOptions model;

    @Option(names = "--texts", required = true, paramLabel = "FILE", description = "sample texts: .jsonl with "
            + "{\"messages\": ..} or {\"text\": ..} on each line, or plain text with blank lines between texts")
    @SuppressWarnings("NullAway.Init")
    private Path texts;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "profile to write")
    @SuppressWarnings("NullAway.Init")
    private Path out;

    @Option(names = "--samples", paramLabel = "N", defaultValue = ""
            + CalibrationOptions.DEFAULT_SAMPLES,
            description = "the most texts whose attention is looked at, half of "
                    + "all texts at most; default: ${DEFAULT-VALUE}")
    private int samples;

    @Option(names = "--held-out", paramLabel = "N", defaultValue = ""
            + CalibrationOptions.DEFAULT_HELD_OUT,
            description = "the most other texts that quality is measured on; "
                    + "default: ${DEFAULT-VALUE}")
    private int heldOut;

    @Option(names = "--max-tokens", paramLabel = "N", description = "longer texts are cut; default: "
            + CalibrationOptions.DEFAULT_MAX_TOKENS
            + ", or the model's context")
    private @Nullable Integer maxTokens;

    @Option(names = "--seed", paramLabel = "N", defaultValue = ""
            + CalibrationOptions.DEFAULT_SEED,
            description = "the same seed gives the same profile; default: "
                    + "${DEFAULT-VALUE}")
    private long seed;

    @Option(names = "--membership", paramLabel = "KIND", defaultValue = "static", description = "online: each sequence "
            + "decides from its first tokens; prompt: from its whole prompt, which stays exact; static: the same for "
            + "all sequences, from the texts; default: ${DEFAULT-VALUE}")
    @SuppressWarnings("NullAway.Init")
    private MembershipChoice.Kind kind;

    @Option(names = "--window", paramLabel = "N", description = "tokens that decide online membership; default: "
            + MembershipChoice.DEFAULT_WINDOW)
    private @Nullable Integer window;

    @Option(names = "--offset", paramLabel = "N", description = "tokens before the window that do not count; default: "
            + "0")
    private @Nullable Integer offset;

    @Option(names = "--algorithm", paramLabel = "NAME", description = "how attention is clustered: agglomerative or "
            + "kmeans; default: agglomerative")
    private @Nullable ClusteringAlgorithm algorithm;

    @Option(names = "--representative", paramLabel = "NAME", description = "head that stands for a cluster of "
            + "attention: first or medoid; default: first")
    private @Nullable RepresentativeChoice representative;

    @Option(names = "--distance", paramLabel = "NAME", description = "what makes heads alike, for static membership. "
            + "attention: their probabilities, as in the paper. output: how little the output of the layer's attention "
            + "changes if one takes the other's. weighted: the same, each head weighted by how much the predictions "
            + "mind (layers x heads measurements). measured: how little the predictions change (layers x heads x heads "
            + "measurements). Default: weighted with a budget, else output; attention where --algorithm or "
            + "--representative is given")
    private @Nullable HeadDistance distance;

    @Option(names = "--max-residual", paramLabel = "X", defaultValue = ""
            + CalibrationOptions.DEFAULT_MAX_RESIDUAL,
            description = "without a budget, a layer stays exact if the "
                    + "clusters at its elbow leave more than this share unexplained; default: ${DEFAULT-VALUE}")
    private double maxResidual;

    @ArgGroup
    private @Nullable Bound bound;

    /** What clusters may cost. */
    static final class Bound {
        @Option(names = "--max-perplexity-increase", required = true, paramLabel = "X%",
                converter = ShareConverter.class,
                description = "the most that perplexity may rise on held-out texts, for instance 1%%: "
                        + "finds the largest saving")
        private @Nullable Double perplexityIncrease;

        @Option(names = "--max-kl", required = true, paramLabel = "X", description = "the largest mean divergence from "
                + "exact attention, nats per token: finds the largest saving")
        private @Nullable Double divergence;

        @Option(names = "--max-accuracy-drop", required = true, paramLabel = "X", description = "the most points of "
                + "accuracy that may be lost on --tasks, for instance 1: finds the largest saving")
        private @Nullable Double accuracyPoints;

        QualityBudget budget() {
            if (accuracyPoints != null) {
                return new QualityBudget(Measure.ACCURACY_DROP, accuracyPoints / 100);
            }
            return perplexityIncrease != null ? new QualityBudget(Measure.PERPLEXITY_INCREASE, perplexityIncrease)
                    : new QualityBudget(Measure.DIVERGENCE, Objects.requireNonNull(divergence));
        }
    }

    @Option(names = "--tasks", paramLabel = "FILE", description = "tasks for --max-accuracy-drop, one a line")
    private @Nullable Path tasks;

    @Option(names = "--max-measurements", paramLabel = "N", defaultValue = ""
            + CalibrationOptions.DEFAULT_MAX_MEASUREMENTS,
            description = "where the search for the largest saving ends "
                    + "at the latest; default: ${DEFAULT-VALUE}")
    private int maxMeasurements;

    @Option(names = "--save", paramLabel = "WHAT", description = "with a budget, what to save as much of as it allows. "
            + "memory: bytes of keys and values; with grouped queries every step frees the keys of whole groups. time: "
            + "scores. Default: memory")
    private @Nullable Saving saving;

    @Option(names = "--no-answer-guard", description = "choose by the texts as a whole alone. By default answers to "
            + "short first messages, calls of tools and JSON are looked at one by one, and with a budget no counts are "
            + "taken that break one")
    private boolean noAnswerGuard;

    @Option(names = "--beyond", description = "with a budget: go on measuring beyond it, to where quality breaks")
    private boolean beyond;

    @Option(names = "--date", paramLabel = "TEXT", description = "date to write into the profile; default: none, so "
            + "that the same inputs give the same bytes")
    private @Nullable String date;

    @Mixin
    private ReportOption report;

    @Option(names = "--json", description = "print the profile and what was measured as JSON")
    private boolean json;

    @Override
    public Integer call() {
        CalibrationOptions options = options();
        if (!ReportOption.canExist(out)) {
            throw model.usage("--out must name a file in a directory that exists, found " + out);
        }
        report.check();
        Path state = out.resolveSibling(out.getFileName() + ".state");
        try (TextModel loaded = TextModel.load(model.model(), model.toChaiOptions(), model.progress())) {
            TextSet set = read(loaded);
            Calibration calibration = calibrator(loaded, options, set).withState(state).calibrate(set.texts());
            CalibrationJson.Origin origin = new CalibrationJson.Origin(texts.getFileName().toString(),
                    Optional.ofNullable(date), ChaiVersion.CHAI);
            CalibrationJson.write(calibration, origin, out);
            Calibrator.deleteState(state);
            PrintWriter printer = command.commandLine().getOut();
            if (json) {
                printer.println(CalibrationJson.toJson(calibration, origin));
            } else {
                print(printer, calibration);
            }
            printer.flush();
            report.write(() -> new CalibrationPage(calibration, PageFacts.of(loaded.model(), model.model()),
                    texts.getFileName().toString()).report());
            return 0;
        }
    }

    private CalibrationOptions options() {
        MembershipSettings membership = new MembershipSettings(Optional.ofNullable(window),
                Optional.ofNullable(offset), Optional.ofNullable(algorithm), Optional.ofNullable(representative),
                Optional.ofNullable(distance));
        membership.conflict(kind).ifPresent(conflict -> {
            throw model.usage(switch (conflict) {
                case WINDOW -> "--window and --offset belong to --membership online";
                case DISTANCE -> "--distance belongs to --membership static; sequences decide by their attention";
                case CLUSTERING -> "--algorithm and --representative belong to --distance attention";
            });
        });
        if (maxTokens != null && maxTokens < 2) {
            throw model.usage("--max-tokens must be at least 2, found " + maxTokens);
        }
        if (beyond && bound == null) {
            throw model.usage("--beyond needs a budget: --max-perplexity-increase or --max-kl");
        }
        if (saving != null && bound == null) {
            throw model.usage("--save needs a budget: --max-perplexity-increase or --max-kl");
        }
        if ((tasks != null) != (bound != null && bound.accuracyPoints != null)) {
            throw model.usage("--tasks and --max-accuracy-drop belong together");
        }
        try {
            return new CalibrationOptions(membership.choose(kind, bound != null), samples, heldOut, seed, maxResidual,
                    Optional.ofNullable(bound).map(this::budget), maxMeasurements, beyond);
        } catch (IllegalArgumentException | ProfileException e) {
            throw model.usage(e);
        }
    }

    private QualityBudget budget(Bound found) {
        return saving == null ? found.budget() : found.budget().with(saving);
    }

    private Calibrator calibrator(TextModel loaded, CalibrationOptions options, TextSet set) {
        Calibrator calibrator = new Calibrator(loaded.model(), options,
                new ProgressPrinter(command.commandLine().getErr()));
        if (!noAnswerGuard) {
            calibrator = calibrator.withAnswers(AnswerPrompts.of(loaded, set));
        }
        return tasks == null ? calibrator : calibrator.withTasks(readTasks(tasks, loaded));
    }

    private TextSet read(TextModel loaded) {
        int context = loaded.model().config().contextLength();
        int limit = Math.min(context, maxTokens == null ? CalibrationOptions.DEFAULT_MAX_TOKENS : maxTokens);
        PrintWriter err = command.commandLine().getErr();
        return TextSet.read(texts, TextFormat.AUTO, loaded, ReadLimits.ofTokens(limit),
                bad -> err.println("skipped: " + bad));
    }

    private TaskSplit readTasks(Path file, TextModel loaded) {
        PrintWriter err = command.commandLine().getErr();
        TaskSet set = TaskSet.read(file, Optional.empty(), TaskFormat.AUTO, loaded,
                ReadLimits.ofTokens(loaded.model().config().contextLength()), bad -> err.println("skipped: " + bad));
        return TaskSplit.of(loaded, set.tasks(), file.getFileName().toString(), seed);
    }

    private void print(PrintWriter printer, Calibration calibration) {
        printer.printf("%d texts, %d tokens%n", calibration.samples(), calibration.tokens());
        printer.println("layer  clusters  elbow  unexplained there  mean similarity");
        for (int layer = 0; layer < calibration.layers().size(); layer++) {
            LayerRedundancy redundancy = calibration.layers().get(layer);
            printer.printf(Locale.ROOT, "%5d  %8d  %5d  %15.1f %%  %15.3f%n", layer,
                    calibration.profile().clusters().get(layer), redundancy.elbow(), 100 * redundancy.residual(),
                    redundancy.meanSimilarity());
        }
        calibration.search().ifPresent(search -> {
            printer.println("budget: " + search.budget());
            printer.printf("search: %s, after %d measurements%n", search.stopped(), search.measurements());
            printer.println("found: " + search.found().clusters() + describe(search.found().loss()));
        });
        printer.printf(Locale.ROOT, "on %d held-out texts, exact perplexity %.4f:%s%n", calibration.heldOut(),
                calibration.exactPerplexity(), describe(calibration.loss()));
        GroupedQueries.remark(calibration.profile().model())
                .ifPresent(remark -> printer.println("grouped queries: " + remark));
        calibration.loss().answers().forEach(answers -> printer.println("answers: " + Wording.answers(answers)));
        printer.println("written to " + out);
    }

    private static String describe(QualityLoss loss) {
        return String.format(Locale.ROOT,
                " %.1f %% less K+V, %.1f %% fewer scores, perplexity %+.2f %% (standard error %.2f), divergence %.5f, "
                        + "same token %.2f %%",
                100 * loss.kvSaving(), 100 * loss.scoreSaving(), 100 * loss.perplexityIncrease(),
                100 * loss.logLossDifference().standardError(), loss.divergence().value(), 100 * loss.agreement());
    }

    /** Reads a {@link Share}. */
    static final class ShareConverter implements ITypeConverter<Double> {
        @Override
        public Double convert(String text) {
            return Share.parse(text).orElseThrow(
                    () -> new TypeConversionException("expected a share like 1% or 0.01, found '" + text + "'"));
        }
    }
}
