// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.ErrorCurve;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;

/** What is added up over the sample texts for one layer: as much for one text as for a thousand. Not thread-safe. */
final class LayerStatistics {
    private final int heads;
    private final double[] errors;
    private final HeadGram products;
    private final HeadGram similarities;
    private final OutputDistances outputs;
    private int samples;

    LayerStatistics(int heads) {
        this(heads, 0, new double[heads], new HeadGram(heads), new HeadGram(heads), new OutputDistances(heads));
    }

    private LayerStatistics(int heads, int samples, double[] errors, HeadGram products, HeadGram similarities,
            OutputDistances outputs) {
        this.heads = heads;
        this.samples = samples;
        this.errors = errors;
        this.products = products;
        this.similarities = similarities;
        this.outputs = outputs;
    }

    /** Everything added up so far, to be kept in a file. */
    record Sums(int samples, double[] errors, double[] products, double[] similarities, double[] outputs) {}

    Sums sums() {
        return new Sums(samples, errors.clone(), products.products(), similarities.products(), outputs.sums());
    }

    /**
     * Returns statistics that were read back.
     *
     * @throws IllegalArgumentException if they are of another number of heads
     */
    static LayerStatistics of(int heads, Sums sums) {
        if (sums.errors().length != heads) {
            throw new IllegalArgumentException("errors of " + sums.errors().length + " heads, expected " + heads);
        }
        OutputDistances outputs = new OutputDistances(heads);
        outputs.add(sums.outputs());
        return new LayerStatistics(heads, sums.samples(), sums.errors().clone(), HeadGram.of(heads, sums.products()),
                HeadGram.of(heads, sums.similarities()), outputs);
    }

    int samples() {
        return samples;
    }

    /**
     * Adds a text.
     *
     * @param textProducts inner products of the heads' features over the text
     * @param textErrors   error of k-means on them by number of clusters
     */
    void add(HeadGram textProducts, double[] textErrors) {
        samples++;
        for (int k = 0; k < errors.length; k++) {
            errors[k] += textErrors[k];
        }
        products.add(textProducts);
        similarities.add(textProducts.normalized());
    }

    /** Returns where distances of the outputs of attention are added up over the texts. */
    OutputDistances outputs() {
        return outputs;
    }

    /**
     * Returns products whose distances are the means of the texts' distances, in the measure of an algorithm: cosine
     * distance for average linkage, squared Euclidean distance, up to a factor, for k-means.
     */
    HeadGram meanDistances(ClusteringAlgorithm algorithm) {
        return switch (algorithm) {
            case AGGLOMERATIVE -> similarities;
            case KMEANS -> products;
        };
    }

    LayerRedundancy redundancy(double maxResidual) {
        ErrorCurve curve = new ErrorCurve(Arrays.stream(errors).map(error -> error / samples).boxed().toList(),
                products.energy() / samples);
        List<List<Double>> similarity = new ArrayList<>();
        for (int head = 0; head < heads; head++) {
            List<Double> row = new ArrayList<>();
            for (int other = 0; other < heads; other++) {
                row.add(1 - similarities.cosineDistance(head, other));
            }
            similarity.add(row);
        }
        int elbow = curve.elbow();
        return new LayerRedundancy(curve, similarity, similarities.meanSimilarity(), elbow, curve.residual(elbow),
                curve.clusters(maxResidual));
    }
}
