// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.evaluate.Arm;
import io.github.chaijlama.evaluate.Expectations;
import io.github.chaijlama.evaluate.MeanSums;
import io.github.chaijlama.evaluate.TextLoss;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

/**
 * Compares the ways to find clusters at equal numbers of them: online with several windows, with and without an offset
 * behind the tokens that all texts begin with, from the whole prompt, static, and random clusters as the control; by
 * both algorithms, with both representatives, and static by what heads do to the output of attention. The first half of
 * each text plays the prompt, and all ways are measured on the second half, against exact attention. Not thread-safe.
 */
public final class ChoiceComparison {
    private static final int[] WINDOWS = { 5, 16, 48 };
    private static final int RANDOM_DRAWS = 3;
    private static final int MIN_TEXTS = 4;
    /** Half of a text plays the prompt, and at least one token must be predicted behind it. */
    private static final int MIN_TOKENS = 4;

    private final ChaiModel model;
    private final ClusterCounts clusters;
    private final long seed;
    private final CalibrationProgress progress;

    /**
     * Creates a comparison.
     *
     * @param clusters clusters of each layer, for every choice
     * @param seed     divides the texts, and draws the random clusters
     */
    public ChoiceComparison(ChaiModel model, ClusterCounts clusters, long seed, CalibrationProgress progress) {
        this.model = model;
        this.clusters = clusters;
        this.seed = seed;
        this.progress = progress;
    }

    /**
     * Runs the comparison.
     *
     * @param texts   tokens of each text; half of them make the static clusters, the others are measured
     * @param samples the most texts to make static clusters from, and the most to measure on
     * @throws CalibrationException if there are too few, or too few of at least four tokens
     */
    public List<ComparedChoice> run(List<int[]> texts, int samples) {
        List<int[]> usable = texts.stream().filter(text -> text.length >= MIN_TOKENS).toList();
        if (usable.size() < MIN_TEXTS) {
            throw new CalibrationException("a comparison needs at least " + MIN_TEXTS + " texts of at least "
                    + MIN_TOKENS + " tokens, found " + usable.size());
        }
        SeededSplit<int[]> split = SeededSplit.of(usable, samples, samples, seed);
        Map<String, ClusterProfile> choices = choices(observe(split.fitted()), commonPrefix(texts));
        Map<String, Sums> sums = new LinkedHashMap<>();
        for (int i = 0; i < split.measured().size(); i++) {
            measure(split.measured().get(i), choices, sums);
            progress.report("choices", i + 1L, split.measured().size());
        }
        return sums.entrySet().stream()
                .map(entry -> entry.getValue().result(entry.getKey(), split.measured().size())).toList();
    }

    /** Returns how many tokens all texts begin with: a chat template's header. */
    static int commonPrefix(List<int[]> texts) {
        int[] first = texts.getFirst();
        int length = first.length;
        for (int[] text : texts) {
            int mismatch = Arrays.mismatch(first, 0, length, text, 0, Math.min(length, text.length));
            length = mismatch < 0 ? length : mismatch;
        }
        return length;
    }

    private List<HeadSums> observe(List<int[]> texts) {
        List<HeadSums> layers = HeadSums.ofLayers(shape());
        List<OutputDistances> outputs = layers.stream().map(HeadSums::outputs).toList();
        for (int i = 0; i < texts.size(); i++) {
            List<HeadGram> products = new ExactRun(model).products(texts.get(i), outputs);
            for (int layer = 0; layer < layers.size(); layer++) {
                layers.get(layer).add(products.get(layer));
            }
            progress.report("attention of texts", i + 1L, texts.size());
        }
        return layers;
    }

    private Map<String, ClusterProfile> choices(List<HeadSums> layers, int header) {
        Map<String, ClusterProfile> choices = new LinkedHashMap<>();
        for (ClusteringAlgorithm algorithm : ClusteringAlgorithm.values()) {
            for (RepresentativeChoice representative : RepresentativeChoice.values()) {
                String suffix = ", " + algorithm + ", " + representative;
                for (int offset : header == 0 ? new int[]{ 0 } : new int[]{ 0, header }) {
                    for (int window : WINDOWS) {
                        choices.put("online, window " + window + (offset == 0 ? "" : " after " + offset) + suffix,
                                clusters.profile(shape(),
                                        new Membership.Online(window, offset, algorithm, representative)));
                    }
                }
                choices.put("prompt" + suffix,
                        clusters.profile(shape(), new Membership.Prompt(algorithm, representative)));
                choices.put("static" + suffix, clusters.profile(shape(),
                        StaticClustering.ofAttention(layers, algorithm, representative)));
            }
        }
        choices.put("static, " + HeadDistance.OUTPUT, clusters.profile(shape(),
                StaticClustering.ofDistances(layers.stream().map(HeadSums::outputs).toList(), 1)));
        Random random = new Random(seed);
        for (int draw = 1; draw <= RANDOM_DRAWS; draw++) {
            choices.put("random, draw " + draw,
                    clusters.profile(shape(), (layer, count) -> randomClusters(count, random)));
        }
        return choices;
    }

    private ModelShape shape() {
        return model.config().shape();
    }

    /** The first heads of a random order represent a cluster each, the others join one of them at random. */
    private HeadClusters randomClusters(int count, Random random) {
        List<Integer> order = new ArrayList<>(IntStream.range(0, shape().heads()).boxed().toList());
        Collections.shuffle(order, random);
        int[] representatives = new int[order.size()];
        for (int i = 0; i < representatives.length; i++) {
            representatives[order.get(i)] = order.get(i < count ? i : random.nextInt(count));
        }
        return HeadClusters.ofRepresentatives(representatives);
    }

    private void measure(int[] text, Map<String, ClusterProfile> choices, Map<String, Sums> sums) {
        int half = Arm.promptOf(text.length);
        int[] prompt = Arrays.copyOf(text, half);
        int[] rest = Arrays.copyOfRange(text, half, text.length - 1);
        Expectations exact;
        try (ChaiSession session = model.newSession(AttentionMode.EXACT)) {
            session.feed(prompt);
            exact = Expectations.of(session.feedAll(rest), Arrays.copyOfRange(text, half + 1, text.length));
        }
        choices.forEach((name, profile) -> {
            try (ChaiSession session = model.newSession(profile)) {
                session.feed(prompt);
                session.endPrompt();
                sums.computeIfAbsent(name, _ -> new Sums())
                        .add(exact.compare(session.feedAll(rest)), memberships(session));
            }
        });
    }

    private List<HeadClusters> memberships(ChaiSession session) {
        return IntStream.range(0, clusters.layers()).mapToObj(session::clusters).toList();
    }

    /** Sums over texts, each counting once. */
    private static final class Sums {
        private final MeanSums divergence = new MeanSums();
        private final MeanSums difference = new MeanSums();
        private final Set<List<HeadClusters>> memberships = new HashSet<>();

        void add(TextLoss text, List<HeadClusters> membership) {
            divergence.add(text.meanDivergence());
            difference.add(text.meanDifference());
            memberships.add(membership);
        }

        ComparedChoice result(String name, int texts) {
            return new ComparedChoice(name, divergence.mean(), difference.mean(), memberships.size(), texts);
        }
    }
}
