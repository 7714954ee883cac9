// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.calibrate.QualityBudget.Measure;
import io.github.chaijlama.cluster.OutputDistances;
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
    private final Optional<Path> stateFile;

    /** Creates a calibrator of a model that was loaded with this project's attention. */
    public Calibrator(ChaiModel model, CalibrationOptions options, CalibrationProgress progress) {
        this(model, options, progress, STATE_INTERVAL);
    }

    Calibrator(ChaiModel model, CalibrationOptions options, CalibrationProgress progress, Duration stateInterval) {
        this(model, options, progress, stateInterval, Optional.empty(), Optional.empty());
    }

    private Calibrator(ChaiModel model, CalibrationOptions options, CalibrationProgress progress,
            Duration stateInterval, Optional<TaskSplit> tasks, Optional<Path> stateFile) {
        this.model = model;
        this.options = options;
        this.progress = progress;
        this.stateInterval = stateInterval;
        this.tasks = tasks;
        this.stateFile = stateFile;
    }

    /** Returns a calibrator that measures accuracy on tasks, too: a budget of accuracy needs them. */
    public Calibrator withTasks(TaskSplit newTasks) {
        return new Calibrator(model, options, progress, stateInterval, Optional.of(newTasks), stateFile);
    }

    /** Returns a calibrator that keeps what it has found out in a file, and goes on where a stopped run left one. */
    public Calibrator withState(Path newStateFile) {
        return new Calibrator(model, options, progress, stateInterval, tasks, Optional.of(newStateFile));
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
            return calibrate(split, new CalibrationRun(model, state, progress));
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
                + tasks.map(TaskSplit::digest).orElse(""));
        texts.forEach(digest::add);
        return digest.hex();
    }

    private Calibration calibrate(TextSplit split, CalibrationRun run) {
        List<LayerStatistics> statistics = new SampleObservation(run, options.membership().comparesOutputs(),
                options.seed()).observe(split.samples());
        List<LayerRedundancy> layers = statistics.stream()
                .map(layer -> layer.redundancy(options.maxResidual())).toList();
        Function<ClusterCounts, ClusterProfile> profiles = profiles(
                statistics.stream().map(LayerStatistics::heads).toList(), split.samples(), run);
        LossMeasurer<ClusterCounts> verifier = new LossMeasurer<>(run, VERIFY_TEXTS, split.verify(),
                tasks.map(TaskSplit::verify), profiles);
        Optional<SearchResult> search = options.budget().map(budget -> search(budget, layers,
                new LossMeasurer<>(run, SEARCH_TEXTS, split.search(), tasks.map(TaskSplit::search), profiles),
                verifier));
        ClusterCounts clusters = search.map(result -> result.verified().clusters())
                .orElseGet(() -> new ClusterCounts(layers.stream().map(LayerRedundancy::clusters).toList()));
        QualityLoss loss = verifier.apply(clusters);
        long tokens = split.samples().stream().mapToLong(text -> text.length).sum();
        return new Calibration(profiles.apply(clusters).withFingerprint(model.fingerprint()), options,
                split.samples().size(), tokens, split.verify().size(), layers, verifier.exactPerplexity(), loss,
                search);
    }

    private SearchResult search(QualityBudget budget, List<LayerRedundancy> layers,
            LossMeasurer<ClusterCounts> measurer, LossMeasurer<ClusterCounts> verifier) {
        List<Ladder> ladders = layers.stream()
                .map(layer -> Ladder.of(model.config().shape().heads(), layer.elbow())).toList();
        measurer.expect(ladders.stream().mapToInt(ladder -> ladder.counts().size() - 1).sum());
        return new BudgetSearch(ladders, budget, options.maxMeasurements(), measurer).run(verifier, options.beyond());
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
            case OUTPUT -> StaticClustering.ofDistances(outputs);
            case WEIGHTED -> StaticClustering.ofDistances(replacementCosts(1, samples, run).weigh(outputs));
            case MEASURED -> StaticClustering
                    .ofDistances(replacementCosts(run.shape().heads() - 1, samples, run).measure(run.shape()));
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
                replacement -> replacement.profile(run.shape()));
        measurer.expect(run.shape().layers() * run.shape().heads() * perHead);
        return new ReplacementCosts(measurer);
    }
}
