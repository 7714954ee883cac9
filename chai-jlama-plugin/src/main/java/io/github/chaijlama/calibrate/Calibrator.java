// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.calibrate.QualityBudget.Measure;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.evaluate.AnswerEvaluator;
import io.github.chaijlama.evaluate.AnswerPrompts;
import io.github.chaijlama.evaluate.ExactAnswer;
import io.github.chaijlama.evaluate.ExactAnswers;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.ModelShape;

/**
 * Calibrates a model: the offline phase of CHAI (arXiv:2403.08058, section 3.2), with the elbow by rule, and counts
 * within a quality budget. The same model, texts and options give the same result, whatever the number of threads and
 * however often the run was stopped and went on. Memory does not grow with the number of texts beyond their tokens. Not
 * thread-safe.
 *
 * <pre>{@code
 * Path state = Path.of("profile.json.state");
 * Calibration calibration = new Calibrator(model, options, CalibrationProgress.NONE).withState(state)
 *         .calibrate(TextSet.read(...).texts());
 * CalibrationJson.write(calibration, origin, Path.of("profile.json"));
 * Calibrator.deleteState(state);
 * }</pre>
 */
public final class Calibrator {
    private static final Duration STATE_INTERVAL = Duration.ofSeconds(10);
    private static final String SEARCH_TEXTS = "search";
    private static final String VERIFY_TEXTS = "verify";
    private static final String REPLACEMENTS = "replacements";
    /** So many samples measure what replacing one head costs. */
    private static final int REPLACEMENT_TEXTS = 40;

    private final ChaiModel model;
    private final CalibrationOptions options;
    private final CalibrationProgress progress;
    private final Duration stateInterval;
    private final Optional<TaskSplit> tasks;
    private final Optional<AnswerPrompts> prompts;
    private final Optional<Path> stateFile;

    /** Creates a calibrator of a model that was loaded with this project's attention. */
    public Calibrator(ChaiModel model, CalibrationOptions options, CalibrationProgress progress) {
        this(model, options, progress, STATE_INTERVAL);
    }

    Calibrator(ChaiModel model, CalibrationOptions options, CalibrationProgress progress, Duration stateInterval) {
        this(model, options, progress, stateInterval, Optional.empty(), Optional.empty(), Optional.empty());
    }

    private Calibrator(ChaiModel model, CalibrationOptions options, CalibrationProgress progress,
            Duration stateInterval, Optional<TaskSplit> tasks, Optional<AnswerPrompts> prompts,
            Optional<Path> stateFile) {
        this.model = model;
        this.options = options;
        this.progress = progress;
        this.stateInterval = stateInterval;
        this.tasks = tasks;
        this.prompts = prompts;
        this.stateFile = stateFile;
    }

    /** Returns a calibrator that measures accuracy on tasks, too: a budget of accuracy needs them. */
    public Calibrator withTasks(TaskSplit newTasks) {
        return new Calibrator(model, options, progress, stateInterval, Optional.of(newTasks), prompts, stateFile);
    }

    /**
     * Returns a calibrator that looks at single answers, too, and with a budget refuses counts that break one: of those
     * answers of exact attention that begin a conversation or that a program reads, none may change at a token of which
     * exact attention is sure.
     *
     * @param newPrompts of the texts that will be calibrated with
     */
    public Calibrator withAnswers(AnswerPrompts newPrompts) {
        return new Calibrator(model, options, progress, stateInterval, tasks, Optional.of(newPrompts), stateFile);
    }

    /** Returns a calibrator that keeps what it has found out in a file, and goes on where a stopped run left one. */
    public Calibrator withState(Path newStateFile) {
        return new Calibrator(model, options, progress, stateInterval, tasks, prompts, Optional.of(newStateFile));
    }

    /**
     * Runs a calibration.
     *
     * @param texts tokens of each text
     * @throws CalibrationException                         if the texts are too few or too short, tasks are missing,
     *                                                      the run is interrupted, or the state cannot be written
     * @throws io.github.chaijlama.kv.KvCacheFullException if keys and values of a text do not fit into the budget
     */
    public Calibration calibrate(List<int[]> texts) {
        if (tasks.isEmpty() && options.budget().filter(budget -> budget.measure() == Measure.ACCURACY_DROP)
                .isPresent()) {
            throw new CalibrationException("a budget of accuracy needs tasks to measure it on");
        }
        TextSplit split = TextSplit.of(texts, options);
        CalibrationState state = new CalibrationState(stateFile, key(texts), stateInterval.toNanos());
        state.resume(progress);
        try {
            return calibrate(texts, split, new CalibrationRun(model, state, progress));
        } catch (InterruptedCalibration e) {
            state.save();
            throw new CalibrationException(
                    "calibration was interrupted; the same call goes on where it stopped", e);
        }
    }

    /** Removes the state of a calibration whose result is safe. */
    public static void deleteState(Path stateFile) {
        CalibrationState.delete(stateFile);
    }

    private String key(List<int[]> texts) {
        InputDigest digest = new InputDigest();
        digest.add(model.fingerprint() + model.options().weights() + options.key()
                + tasks.map(TaskSplit::digest).orElse("") + (prompts.isPresent() ? "answers" : ""));
        texts.forEach(digest::add);
        return digest.hex();
    }

    private Calibration calibrate(List<int[]> texts, TextSplit split, CalibrationRun run) {
        List<int[]> samples = of(texts, split.samples());
        List<LayerStatistics> statistics = new SampleObservation(run, options.membership().comparesOutputs(),
                options.seed()).observe(samples);
        List<LayerRedundancy> layers = statistics.stream()
                .map(layer -> layer.redundancy(options.maxResidual())).toList();
        Function<ClusterCounts, ClusterProfile> profiles = profiles(
                statistics.stream().map(LayerStatistics::heads).toList(), samples, run);
        LossMeasurer<ClusterCounts> verifier = new LossMeasurer<>(run, VERIFY_TEXTS,
                of(texts, split.verify()), tasks.map(TaskSplit::verify),
                answers(VERIFY_TEXTS, split.verify(), 1, run), profiles);
        Optional<SearchResult> search = options.budget().map(budget -> search(budget, layers,
                new LossMeasurer<>(run, SEARCH_TEXTS, of(texts, split.search()), tasks.map(TaskSplit::search),
                        answers(SEARCH_TEXTS, steering(split), 0, run), profiles),
                verifier));
        ClusterCounts clusters = search.map(result -> result.verified().clusters())
                .orElseGet(() -> new ClusterCounts(layers.stream().map(LayerRedundancy::clusters).toList()));
        QualityLoss loss = verifier.apply(clusters);
        long tokens = samples.stream().mapToLong(text -> text.length).sum();
        return new Calibration(bounded(profiles.apply(clusters).withFingerprint(model.fingerprint())), options,
                samples.size(), tokens, split.verify().size(), layers, verifier.exactPerplexity(), loss,
                search);
    }

    /** Says within which divergence a profile is, if that is what was asked for. */
    private ClusterProfile bounded(ClusterProfile profile) {
        return options.budget().filter(budget -> budget.measure() == QualityBudget.Measure.DIVERGENCE)
                .map(budget -> profile.withMaxDivergence(budget.bound())).orElse(profile);
    }

    private static List<int[]> of(List<int[]> texts, List<Integer> indexes) {
        return indexes.stream().map(texts::get).toList();
    }

    /** Prompts of samples steer, too: there may be few of a kind, and nothing was fitted to their answers. */
    private static List<Integer> steering(TextSplit split) {
        return Stream.concat(split.search().stream(), split.samples().stream()).toList();
    }

    private Optional<AnswerEvaluator> answers(String name, List<Integer> texts, int half, CalibrationRun run) {
        return prompts.map(asked -> {
            List<ExactAnswer> answers = run.state().answers(name).orElseGet(() -> {
                List<ExactAnswer> written = new ExactAnswers(asked).write(texts, half, (done, total) -> {
                    run.progress().report("answers of exact attention, " + name, done, total);
                    InterruptedCalibration.throwIfInterrupted();
                });
                run.state().putAnswers(name, written);
                return written;
            });
            return new AnswerEvaluator(model, answers);
        });
    }

    private SearchResult search(QualityBudget budget, List<LayerRedundancy> layers,
            LossMeasurer<ClusterCounts> measurer, LossMeasurer<ClusterCounts> verifier) {
        int heads = model.config().shape().heads();
        List<Ladder> ladders = layers.stream()
                .map(layer -> freedTogether() > 1 ? Ladder.ofGroups(heads, freedTogether())
                        : Ladder.of(heads, layer.elbow()))
                .toList();
        measurer.expect(ladders.stream().mapToInt(ladder -> ladder.counts().size() - 1).sum());
        return new BudgetSearch(ladders, budget, options.maxMeasurements(), measurer).run(verifier, options.beyond());
    }

    /**
     * Returns how many heads have to go without a representative to free the keys that they share, 1 where that is not
     * what counts are for: a search for bytes would stand still between whole groups. Sequences that decide for
     * themselves cannot be told which heads, nor can clusters of attention.
     */
    private int freedTogether() {
        ModelShape shape = model.config().shape();
        MembershipChoice membership = options.membership();
        boolean chosen = membership.kind() == MembershipChoice.Kind.STATIC
                && membership.distance() != HeadDistance.ATTENTION;
        boolean saveMemory = options.budget().filter(budget -> budget.saving() == Saving.MEMORY).isPresent();
        return chosen && saveMemory ? shape.heads() / Collections.min(shape.kvHeads()) : 1;
    }

    /** Returns what makes profiles of counts. */
    private Function<ClusterCounts, ClusterProfile> profiles(List<HeadSums> heads, List<int[]> samples,
            CalibrationRun run) {
        MembershipChoice membership = options.membership();
        ModelShape shape = run.shape();
        return switch (membership.kind()) {
            case ONLINE -> counts -> counts.profile(shape, membership.toOnline());
            case PROMPT -> counts -> counts.profile(shape, membership.toPrompt());
            case STATIC -> {
                StaticClustering clustering = clustering(heads, samples, run);
                yield counts -> counts.profile(shape, clustering);
            }
        };
    }

    private StaticClustering clustering(List<HeadSums> heads, List<int[]> samples, CalibrationRun run) {
        MembershipChoice membership = options.membership();
        List<OutputDistances> outputs = heads.stream().map(HeadSums::outputs).toList();
        return switch (membership.distance()) {
            case ATTENTION ->
                StaticClustering.ofAttention(heads, membership.algorithm(), membership.representative());
            case OUTPUT -> StaticClustering.ofDistances(outputs, freedTogether());
            case WEIGHTED -> StaticClustering.ofDistances(replacementCosts(1, samples, run).weigh(outputs),
                    freedTogether());
            case MEASURED -> StaticClustering
                    .ofDistances(replacementCosts(run.shape().heads() - 1, samples, run).measure(run.shape()),
                            freedTogether());
        };
    }

    /**
     * Returns what measures replacements of one head's probabilities by another's, all other heads exact.
     *
     * @param perHead how many there will be of each head
     */
    private static ReplacementCosts replacementCosts(int perHead, List<int[]> samples, CalibrationRun run) {
        List<int[]> usable = samples.stream().filter(text -> text.length > 1).limit(REPLACEMENT_TEXTS).toList();
        if (usable.isEmpty()) {
            throw new CalibrationException("the texts are too short: no sample has more than one token");
        }
        LossMeasurer<HeadReplacement> measurer = new LossMeasurer<>(run, REPLACEMENTS, usable, Optional.empty(),
                Optional.empty(),
                replacement -> replacement.profile(run.shape()));
        measurer.expect(run.shape().layers() * run.shape().heads() * perHead);
        return new ReplacementCosts(measurer);
    }
}
