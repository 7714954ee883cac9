// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.calibrate.QualityBudget.Measure;
import io.github.chaijlama.cluster.ErrorCurve;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.evaluate.Arm;
import io.github.chaijlama.evaluate.Progress;
import io.github.chaijlama.evaluate.TaskEvaluator;
import io.github.chaijlama.evaluate.TextEvaluation;
import io.github.chaijlama.evaluate.TextEvaluator;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

/**
 * Calibrates a model: the offline phase of CHAI (arXiv:2403.08058, section 3.2), with the elbow by rule, and counts
 * within a quality budget. The same model, texts and options give the same result, whatever the number of threads and
 * however often the run was stopped and went on. Memory does not grow with the number of texts beyond their tokens. Not
 * thread-safe.
 */
public final class Calibrator {
    private static final Duration STATE_INTERVAL = Duration.ofSeconds(10);
    private static final int ALL_COUNTS = 8;
    private static final String SEARCH_TEXTS = "search";
    private static final String VERIFY_TEXTS = "verify";
    private static final String REPLACEMENTS = "replacements";
    /** So many samples measure what replacing one head costs. */
    private static final int REPLACEMENT_TEXTS = 40;

    private final ChaiModel model;
    private final CalibrationOptions options;
    private final CalibrationProgress progress;
    private final Duration stateInterval;

    /** Creates a calibrator of a model that was loaded with this project's attention. */
    public Calibrator(ChaiModel model, CalibrationOptions options, CalibrationProgress progress) {
        this(model, options, progress, STATE_INTERVAL);
    }

    Calibrator(ChaiModel model, CalibrationOptions options, CalibrationProgress progress, Duration stateInterval) {
        this.model = model;
        this.options = options;
        this.progress = progress;
        this.stateInterval = stateInterval;
    }

    /** Runs a calibration without tasks, see {@link #calibrate(List, TaskSplit, Path)}. */
    public Calibration calibrate(List<int[]> texts, Path stateFile) {
        return calibrate(texts, null, stateFile);
    }

    /**
     * Runs a calibration.
     *
     * @param texts     tokens of each text
     * @param tasks     tasks for a budget of accuracy, null for none
     * @param stateFile where a run that is stopped leaves what it has found out, and where it is looked for; null for
     *                  nowhere
     * @throws CalibrationException                         if the texts are too few or too short, the run is
     *                                                      interrupted, or the state cannot be written
     * @throws io.github.chaijlama.kv.KvCacheFullException if keys and values of a text do not fit into the budget
     */
    public Calibration calibrate(List<int[]> texts, TaskSplit tasks, Path stateFile) {
        boolean needsTasks = options.budget() != null && options.budget().measure() == Measure.ACCURACY_DROP;
        if (needsTasks && tasks == null) {
            throw new CalibrationException("a budget of accuracy needs tasks to measure it on");
        }
        TextSplit split = TextSplit.of(texts, options);
        CalibrationState state = new CalibrationState(stateFile, key(texts, tasks), stateInterval.toNanos());
        state.resume(progress);
        Calibration calibration;
        try {
            calibration = calibrate(split, tasks, state);
        } catch (InterruptedCalibration e) {
            state.save();
            throw new CalibrationException(
                    "calibration was interrupted; the same call goes on where it stopped", e);
        }
        return calibration;
    }

    /** Removes the state of a calibration whose result is safe. */
    public static void deleteState(Path stateFile) {
        new CalibrationState(stateFile, "", 0).delete();
    }

    /** Ends the run from within a measurement. */
    private static final class InterruptedCalibration extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private Calibration calibrate(TextSplit split, TaskSplit tasks, CalibrationState state) {
        List<LayerStatistics> statistics = collect(split.samples(), state);
        List<LayerRedundancy> layers = statistics.stream()
                .map(layer -> layer.redundancy(options.maxResidual())).toList();
        ProfileMaker maker = new ProfileMaker(shape(), options.membership(), statistics,
                distances(statistics, split.samples(), state), model.fingerprint());
        Measurer verifier = new Measurer(split.verify(), tasks == null ? null : tasks.verify(), VERIFY_TEXTS,
                maker::profile, state);
        SearchResult search = null;
        List<Integer> clusters = layers.stream().map(LayerRedundancy::clusters).toList();
        if (options.budget() != null) {
            Measurer measurer = new Measurer(split.search(), tasks == null ? null : tasks.search(), SEARCH_TEXTS,
                    maker::profile, state);
            List<List<Integer>> ladders = layers.stream().map(layer -> ladder(shape().heads(), layer.elbow())).toList();
            measurer.expect(ladders.stream().mapToInt(ladder -> ladder.size() - 1).sum());
            search = new BudgetSearch(ladders, options.budget(), options.maxMeasurements(), measurer)
                    .run(verifier, options.beyond());
            clusters = search.verified().clusters();
        }
        QualityLoss loss = verifier.apply(clusters);
        long tokens = split.samples().stream().mapToLong(text -> text.length).sum();
        return new Calibration(maker.profile(clusters), options, split.samples().size(), tokens,
                split.verify().size(), layers, verifier.exactPerplexity(), loss, search);
    }

    private ModelShape shape() {
        return model.config().shape();
    }

    // ---- attention of the samples ----

    private List<LayerStatistics> collect(List<int[]> samples, CalibrationState state) {
        int heads = shape().heads();
        List<LayerStatistics> statistics = state.layers().isEmpty()
                ? Stream.generate(() -> new LayerStatistics(heads)).limit(shape().layers()).toList()
                : state.layers().stream().map(sums -> LayerStatistics.of(heads, sums)).toList();
        int from = statistics.getFirst().samples();
        try (WorkerPool workers = new WorkerPool(model.options().threads())) {
            for (int sample = from; sample < samples.size(); sample++) {
                add(samples.get(sample), statistics, workers);
                state.setLayers(statistics);
                if (state.isDue()) {
                    state.save();
                }
                progress.report("attention of texts", sample + 1L, samples.size());
                stopIfInterrupted();
            }
        }
        return statistics;
    }

    private void add(int[] text, List<LayerStatistics> statistics, WorkerPool workers) {
        boolean outputs = options.membership().comparesOutputs();
        List<HeadGram> products = observe(model, text,
                outputs ? statistics.stream().map(LayerStatistics::outputs).toList() : null);
        double[][] errors = new double[products.size()][];
        workers.run(products.size(), (layer, worker) -> errors[layer] = ErrorCurve.measure(products.get(layer),
                CalibrationOptions.KMEANS_STARTS, options.seed()));
        for (int layer = 0; layer < products.size(); layer++) {
            statistics.get(layer).add(products.get(layer), errors[layer]);
        }
    }

    /**
     * Returns the inner products of the heads' attention probabilities over a text, one per layer.
     *
     * @param outputs where distances of the outputs of attention are added up, one per layer; null if nobody needs them
     */
    static List<HeadGram> observe(ChaiModel model, int[] text, List<OutputDistances> outputs) {
        ModelShape shape = model.config().shape();
        List<HeadGram> products = Stream.generate(() -> new HeadGram(shape.heads())).limit(shape.layers()).toList();
        try (ChaiSession session = model.newSession(AttentionMode.EXACT)) {
            session.observe(products);
            if (outputs != null) {
                session.observeOutputs(outputs);
            }
            session.feed(text);
        }
        return products;
    }

    private static void stopIfInterrupted() {
        if (Thread.interrupted()) {
            throw new InterruptedCalibration();
        }
    }

    // ---- distances other than of attention ----

    /** Returns the distances between the heads of each layer, null if their attention decides. */
    private List<OutputDistances> distances(List<LayerStatistics> statistics, List<int[]> samples,
            CalibrationState state) {
        if (options.membership().kind() != MembershipChoice.Kind.STATIC) {
            return null;
        }
        List<OutputDistances> outputs = statistics.stream().map(LayerStatistics::outputs).toList();
        return switch (options.membership().distance()) {
            case ATTENTION -> null;
            case OUTPUT -> outputs;
            case WEIGHTED -> new ReplacementCosts(replacements(samples, state)).weigh(outputs, shape().heads());
            case MEASURED -> new ReplacementCosts(replacements(samples, state)).measure(shape());
        };
    }

    /** Measures what replacements of one head's probabilities by another's cost, all other heads exact. */
    private Measurer replacements(List<int[]> samples, CalibrationState state) {
        List<int[]> usable = samples.stream().filter(text -> text.length > 1).limit(REPLACEMENT_TEXTS).toList();
        if (usable.isEmpty()) {
            throw new CalibrationException("the texts are too short: no sample has more than one token");
        }
        Measurer measurer = new Measurer(usable, null, REPLACEMENTS, this::replacement, state);
        measurer.expect(shape().layers() * shape().heads()
                * (options.membership().distance() == HeadDistance.MEASURED ? shape().heads() - 1 : 1));
        return measurer;
    }

    /** @param replacement layer, head, and the head whose probabilities it takes */
    private ClusterProfile replacement(List<Integer> replacement) {
        int heads = shape().heads();
        int head = replacement.get(1);
        int other = replacement.get(2);
        int[] representatives = IntStream.range(0, heads).filter(each -> each != head).toArray();
        int[] members = IntStream.range(0, heads).map(each -> each == head ? other : each)
                .map(each -> each > head ? each - 1 : each).toArray();
        List<HeadClusters> layers = new ArrayList<>(
                Collections.nCopies(shape().layers(), HeadClusters.identity(heads)));
        layers.set(replacement.getFirst(), HeadClusters.of(members, representatives));
        return new ClusterProfile(shape(), layers.stream().map(HeadClusters::numberOfClusters).toList(),
                new Membership.Static(layers), model.fingerprint());
    }

    // ---- quality of counts ----

    /** Returns the counts a search tries in a layer: all of a few heads, eighths of many, and the elbow. */
    static List<Integer> ladder(int heads, int elbow) {
        TreeSet<Integer> counts = new TreeSet<>(Collections.reverseOrder());
        if (heads <= ALL_COUNTS) {
            IntStream.rangeClosed(1, heads).forEach(counts::add);
        } else {
            IntStream.rangeClosed(1, 8).forEach(eighth -> counts.add(Math.max(1, heads * eighth / 8)));
            counts.add(1);
            counts.add(elbow);
        }
        return List.copyOf(new ArrayList<>(counts));
    }

    /** Measures counts on some texts, each once. */
    private final class Measurer implements Function<List<Integer>, QualityLoss> {
        private final String name;
        private final TextEvaluator evaluator;
        private final TaskEvaluator tasks;
        private final Function<List<Integer>, ClusterProfile> maker;
        private final CalibrationState state;
        private int measured;
        private int expected = 1;

        Measurer(List<int[]> texts, TaskEvaluator tasks, String name,
                Function<List<Integer>, ClusterProfile> maker, CalibrationState state) {
            this.name = name;
            this.tasks = tasks;
            this.evaluator = new TextEvaluator(model, texts, TextEvaluator.DEFAULT_CACHE_BYTES);
            this.maker = maker;
            this.state = state;
        }

        void expect(int measurements) {
            expected = measurements;
        }

        @Override
        public QualityLoss apply(List<Integer> clusters) {
            QualityLoss loss = state.loss(name, clusters);
            if (loss == null) {
                loss = measure(List.of(new Arm("clustered", maker.apply(clusters))));
                state.putLoss(name, clusters, loss);
                if (state.isDue()) {
                    state.save();
                }
            }
            measured++;
            expected = Math.max(expected, measured);
            progress.report("quality, " + name, measured, expected);
            return loss;
        }

        private QualityLoss measure(List<Arm> arm) {
            Progress interruptible = (done, total) -> stopIfInterrupted();
            return QualityLoss.of(evaluator.evaluate(arm, interruptible).arms().getFirst(),
                    tasks == null ? null : tasks.evaluate(arm, interruptible).arms().getFirst());
        }

        double exactPerplexity() {
            TextEvaluation evaluation = evaluator.evaluate(List.of(), Progress.NONE);
            return evaluation.exact().perplexity().value();
        }
    }

    // ---- identity of a run ----

    private String key(List<int[]> texts, TaskSplit tasks) {
        MessageDigest digest = TaskSplit.sha256();
        String settings = model.fingerprint() + model.options().weights() + options
                + (tasks == null ? "" : tasks.digest());
        digest.update(settings.getBytes(StandardCharsets.UTF_8));
        texts.forEach(text -> TaskSplit.add(digest, text));
        return HexFormat.of().formatHex(digest.digest());
    }
}
