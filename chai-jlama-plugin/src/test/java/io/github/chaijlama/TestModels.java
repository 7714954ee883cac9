// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;

import io.github.chaijlama.bench.SyntheticModel;
import io.github.chaijlama.bench.SyntheticShape;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;

/** Models for tests: a small one that was trained, and random ones of any Llama shape. */
public final class TestModels {
    /** A trained model, which the sample application ships. */
    public static final Path POCKET = Path.of("src/pocket/models/pocket");
    /** The profile that the sample application ships for it. */
    public static final Path POCKET_PROFILE = Path.of("src/pocket/profiles/pocket.json");

    private TestModels() {}

    /** Writes a random model under {@code directory} and returns where. */
    public static Path random(Path directory, SyntheticShape shape, int contextLength, String weights) {
        try {
            return new SyntheticModel(shape, shape.layers(), contextLength, weights).writeUnder(directory,
                    progress -> {});
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Loads a model whose config.json was read by whatever families the test knows. */
    public static ChaiModel load(Path directory, ModelConfig config) {
        return ChaiModel.load(directory, config, ChaiOptions.exact(), Optional.empty(), (_, _) -> {});
    }

    /** A small shape: 3 layers, vocabulary of 256. */
    public static SyntheticShape shape(int hiddenSize, int intermediateSize, int heads, int kvHeads) {
        return new SyntheticShape("test-" + hiddenSize + "-" + intermediateSize + "-" + heads + "-" + kvHeads, 3,
                hiddenSize, intermediateSize, heads, kvHeads, 256, 10000);
    }

    /** Random tokens. */
    public static int[] tokens(int count, int vocabularySize, int seed) {
        return new SplittableRandom(seed).ints(count, 0, vocabularySize).toArray();
    }

    /** A profile with random static clusters, and never as many as heads in the last layer. */
    public static ClusterProfile randomStatic(ModelShape shape, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Integer> counts = new ArrayList<>();
        List<HeadClusters> layers = new ArrayList<>();
        for (int layer = 0; layer < shape.layers(); layer++) {
            int clusters = 1 + random.nextInt(layer == shape.layers() - 1 ? shape.heads() - 1 : shape.heads());
            counts.add(clusters);
            layers.add(randomClusters(shape.heads(), clusters, random));
        }
        return new ClusterProfile(shape, counts, new Membership.Static(layers));
    }

    private static HeadClusters randomClusters(int heads, int clusters, SplittableRandom random) {
        List<Integer> order = new ArrayList<>();
        for (int head = 0; head < heads; head++) {
            order.add(head);
        }
        Collections.shuffle(order, new Random(random.nextLong()));
        int[] members = new int[heads];
        int[] representatives = new int[clusters];
        for (int i = 0; i < heads; i++) {
            int cluster = i < clusters ? i : random.nextInt(clusters);
            members[order.get(i)] = cluster;
            if (i < clusters) {
                representatives[cluster] = order.get(i);
            }
        }
        return HeadClusters.of(members, representatives);
    }

    /** Returns the largest difference of two lists of numbers of the same length. */
    public static double maxDifference(float[] a, float[] b) {
        if (a.length != b.length) {
            throw new IllegalArgumentException(a.length + " values and " + b.length);
        }
        double max = 0;
        for (int i = 0; i < a.length; i++) {
            max = Math.max(max, Math.abs((double) a[i] - b[i]));
            if (Float.isNaN(a[i]) || Float.isNaN(b[i])) {
                return Double.NaN;
            }
        }
        return max;
    }

    /** Returns the index of the largest value. */
    public static int mostLikely(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }

    /** Deletes a directory and everything in it. */
    public static void delete(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
