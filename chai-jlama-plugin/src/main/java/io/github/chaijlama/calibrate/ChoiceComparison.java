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
import java.util.stream.Stream;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.Medoids;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.evaluate.Estimate;
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

    private final ChaiModel model;
    private final List<Integer> clusters;
    private final long seed;
    private final CalibrationProgress progress;

    /**
     * Creates a comparison.
     *
     * @param clusters clusters of each layer, for every choice
     * @param seed     divides the texts, and draws the random clusters
     */
    public ChoiceComparison(ChaiModel model, List<Integer> clusters, long seed, CalibrationProgress progress) {
        this.model = model;
        this.clusters = List.copyOf(clusters);
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
        List<int[]> shuffled = new ArrayList<>(texts.stream().filter(text -> text.length >= 4).toList());
        if (shuffled.size() < 4) {
            throw new CalibrationException("a comparison needs at least 4 texts of at least 4 tokens, found "
                    + shuffled.size());
        }
        Collections.shuffle(shuffled, new Random(seed));
        int fitted = Math.min(samples, shuffled.size() / 2);
        Map<String, ClusterProfile> choices = choices(shuffled.subList(0, fitted), commonPrefix(texts));
        List<int[]> measured = shuffled.subList(fitted, Math.min(shuffled.size(), fitted + samples));
        Map<String, Sums> sums = new LinkedHashMap<>();
        choices.keySet().forEach(name -> sums.put(name, new Sums()));
        for (int i = 0; i < measured.size(); i++) {
            measure(measured.get(i), choices, sums);
            progress.report("choices", i + 1L, measured.size());
        }
        return sums.entrySet().stream().map(entry -> entry.getValue().result(entry.getKey())).toList();
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

    private Map<String, ClusterProfile> choices(List<int[]> texts, int header) {
        Map<String, ClusterProfile> choices = new LinkedHashMap<>();
        List<HeadGram> products = new ArrayList<>();
        List<HeadGram> similarities = new ArrayList<>();
        List<OutputDistances> outputs = new ArrayList<>();
        for (int layer = 0; layer < shape().layers(); layer++) {
            products.add(new HeadGram(shape().heads()));
            similarities.add(new HeadGram(shape().heads()));
            outputs.add(new OutputDistances(shape().heads()));
        }
        for (int i = 0; i < texts.size(); i++) {
            List<HeadGram> text = Calibrator.observe(model, texts.get(i), outputs);
            for (int layer = 0; layer < text.size(); layer++) {
                products.get(layer).add(text.get(layer));
                similarities.get(layer).add(text.get(layer).normalized());
            }
            progress.report("attention of texts", i + 1L, texts.size());
        }
        for (ClusteringAlgorithm algorithm : ClusteringAlgorithm.values()) {
            List<HeadGram> distances = algorithm == ClusteringAlgorithm.KMEANS ? products : similarities;
            for (RepresentativeChoice representative : RepresentativeChoice.values()) {
                String suffix = ", " + algorithm + ", " + representative;
                for (int offset : header == 0 ? new int[]{ 0 } : new int[]{ 0, header }) {
                    for (int window : WINDOWS) {
                        choices.put("online, window " + window + (offset == 0 ? "" : " after " + offset) + suffix,
                                profile(new Membership.Online(window, offset, algorithm, representative)));
                    }
                }
                choices.put("prompt" + suffix, profile(new Membership.Prompt(algorithm, representative)));
                choices.put("static" + suffix, profile(new Membership.Static(IntStream.range(0, distances.size())
                        .mapToObj(layer -> algorithm.cluster(distances.get(layer), clusters.get(layer),
                                representative))
                        .toList())));
            }
        }
        choices.put("static, " + HeadDistance.OUTPUT, profile(new Membership.Static(IntStream.range(0, outputs.size())
                .mapToObj(layer -> Medoids.cluster(outputs.get(layer), clusters.get(layer))).toList())));
        Random random = new Random(seed);
        for (int draw = 1; draw <= RANDOM_DRAWS; draw++) {
            choices.put("random, draw " + draw, profile(new Membership.Static(
                    clusters.stream().map(count -> randomClusters(count, random)).toList())));
        }
        return choices;
    }

    private ModelShape shape() {
        return model.config().shape();
    }

    private ClusterProfile profile(Membership membership) {
        return new ClusterProfile(shape(), clusters, membership);
    }

    /** The first heads of a random order represent a cluster each, the others join one of them at random. */
    private HeadClusters randomClusters(int count, Random random) {
        List<Integer> order = new ArrayList<>(IntStream.range(0, shape().heads()).boxed().toList());
        Collections.shuffle(order, random);
        int[] members = new int[order.size()];
        for (int i = 0; i < members.length; i++) {
            members[order.get(i)] = i < count ? i : random.nextInt(count);
        }
        return HeadClusters.of(members, order.subList(0, count).stream().mapToInt(Integer::intValue).toArray());
    }

    private void measure(int[] text, Map<String, ClusterProfile> choices, Map<String, Sums> sums) {
        int half = text.length / 2;
        int[] prompt = Arrays.copyOf(text, half);
        int[] rest = Arrays.copyOfRange(text, half, text.length - 1);
        double[][] exact;
        try (ChaiSession session = model.newSession(AttentionMode.EXACT)) {
            session.feed(prompt);
            exact = logProbabilities(session.feedAll(rest));
        }
        choices.forEach((name, profile) -> {
            try (ChaiSession session = model.newSession(profile)) {
                session.feed(prompt);
                session.endPrompt();
                double[][] found = logProbabilities(session.feedAll(rest));
                double divergence = 0;
                double difference = 0;
                for (int i = 0; i < rest.length; i++) {
                    divergence += divergence(exact[i], found[i]);
                    int next = text[half + i + 1];
                    difference += exact[i][next] - found[i][next];
                }
                sums.get(name).add(divergence / rest.length, difference / rest.length, memberships(session));
            }
        });
    }

    private List<HeadClusters> memberships(ChaiSession session) {
        return IntStream.range(0, clusters.size()).mapToObj(session::clusters).toList();
    }

    private static double[][] logProbabilities(float[][] logits) {
        return Stream.of(logits).map(ChoiceComparison::logProbabilities).toArray(double[][]::new);
    }

    private static double[] logProbabilities(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        double logSum = max + Math.log(sum);
        double[] result = new double[logits.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = logits[i] - logSum;
        }
        return result;
    }

    private static double divergence(double[] exact, double[] found) {
        double sum = 0;
        for (int i = 0; i < exact.length; i++) {
            sum += Math.exp(exact[i]) * (exact[i] - found[i]);
        }
        return Math.max(0, sum);
    }

    /** Sums over texts, each counting once. */
    private static final class Sums {
        private final List<Double> divergences = new ArrayList<>();
        private final List<Double> differences = new ArrayList<>();
        private final Set<List<HeadClusters>> memberships = new HashSet<>();

        void add(double divergence, double difference, List<HeadClusters> membership) {
            divergences.add(divergence);
            differences.add(difference);
            memberships.add(membership);
        }

        ComparedChoice result(String name) {
            return new ComparedChoice(name, estimate(divergences), estimate(differences), memberships.size(),
                    divergences.size());
        }

        private static Estimate estimate(List<Double> values) {
            double mean = values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
            double squares = values.stream().mapToDouble(value -> (value - mean) * (value - mean)).sum();
            return new Estimate(mean, Math.sqrt(squares / (values.size() - 1.0) / values.size()));
        }
    }
}
