// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

import io.github.chaijlama.Operators;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.TestOperators;
import io.github.chaijlama.attention.AttentionSequence;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.weight.StoredWeights;
import io.github.chaijlama.weight.WeightFormat;
import io.github.chaijlama.weight.WeightFormats;

/** A decoder on the weights of a directory, without the sessions that users see. */
final class LoadedDecoder implements AutoCloseable {
    private final WorkerPool workers = new WorkerPool(2);
    private final StoredWeights weights;
    private final MatrixProducts products;
    final Decoder decoder;
    final ModelConfig config;

    LoadedDecoder(Path directory, long maxKvBytes) {
        this(directory, maxKvBytes, TestOperators.exact().operators());
    }

    LoadedDecoder(Path directory, long maxKvBytes, Operators operators) {
        config = ModelConfig.read(directory);
        weights = StoredWeights.open(directory, config, workers);
        products = TestOperators.products(operators, workers);
        weights.prepare(new WeightFormats(products.formats(), EnumSet.allOf(WeightFormat.class)), (_, _) -> {});
        decoder = new Decoder(config, weights, products, workers, new KvBudget(maxKvBytes), Optional.empty());
    }

    ClusterProfile exact() {
        return ClusterProfile.exact(config.shape());
    }

    ClusterProfile fixed() {
        return TestModels.randomStatic(config.shape(), 5);
    }

    /** Half as many clusters as heads, decided from the {@code window} positions behind the first {@code offset}. */
    ClusterProfile online(int window, int offset) {
        int clusters = Math.max(1, config.numberOfHeads() / 2);
        return new ClusterProfile(config.shape(), Collections.nCopies(config.layers(), clusters),
                new Membership.Online(window, offset, ClusteringAlgorithm.AGGLOMERATIVE,
                        RepresentativeChoice.MEDOID));
    }

    AttentionSequence newSequence(ClusterProfile profile) {
        return decoder.newSequence(profile, KvType.F32);
    }

    List<HeadClusters> clusters(AttentionSequence sequence) {
        return IntStream.range(0, config.layers()).mapToObj(sequence::clusters).toList();
    }

    /** What a sequence alone gives: the logits of all its tokens, and the clusters behind each of its steps. */
    record Alone(List<float[]> logits, List<List<HeadClusters>> clusters) {}

    /**
     * Runs a sequence by itself.
     *
     * @param steps how many tokens each of its steps takes
     */
    Alone alone(ClusterProfile profile, int[] tokens, List<Integer> steps) {
        List<float[]> logits = new ArrayList<>();
        List<List<HeadClusters>> clusters = new ArrayList<>();
        AttentionSequence sequence = newSequence(profile);
        int from = 0;
        for (int count : steps) {
            if (count > 0) {
                logits.addAll(List.of(decoder.step(
                        List.of(new StepRun(sequence, tokens, from, count, count)))));
                from += count;
            }
            clusters.add(clusters(sequence));
        }
        decoder.end(sequence);
        return new Alone(logits, clusters);
    }

    @Override
    public void close() {
        decoder.close();
        products.close();
        workers.close();
        weights.close();
    }
}
