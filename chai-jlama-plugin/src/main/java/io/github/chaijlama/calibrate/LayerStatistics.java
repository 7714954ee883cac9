// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import io.github.chaijlama.cluster.ErrorCurve;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;

/** What is added up over the sample texts for one layer: as much for one text as for a thousand. Not thread-safe. */
final class LayerStatistics {
    private final double[] errors;
    private final HeadSums heads;
    private int samples;

    LayerStatistics(int heads) {
        this(0, new double[heads], new HeadSums(heads));
    }

    private LayerStatistics(int samples, double[] errors, HeadSums heads) {
        this.samples = samples;
        this.errors = errors;
        this.heads = heads;
    }

    /** Everything added up so far, to be kept in a file. */
    record Sums(int samples, double[] errors, double[] products, double[] similarities, double[] outputs) {}

    Sums sums() {
        return new Sums(samples, errors.clone(), heads.products().products(), heads.similarities().products(),
                heads.outputs().sums());
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
        return new LayerStatistics(sums.samples(), sums.errors().clone(),
                new HeadSums(HeadGram.of(heads, sums.products()), HeadGram.of(heads, sums.similarities()),
                        OutputDistances.of(heads, sums.outputs())));
    }

    int samples() {
        return samples;
    }

    /** Returns how alike the heads are. */
    HeadSums heads() {
        return heads;
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
        heads.add(textProducts);
    }

    LayerRedundancy redundancy(double maxResidual) {
        ErrorCurve curve = new ErrorCurve(Arrays.stream(errors).map(error -> error / samples).boxed().toList(),
                heads.products().energy() / samples);
        HeadGram similarities = heads.similarities();
        List<List<Double>> similarity = new ArrayList<>();
        for (int head = 0; head < errors.length; head++) {
            List<Double> row = new ArrayList<>();
            for (int other = 0; other < errors.length; other++) {
                row.add(similarities.cosineSimilarity(head, other));
            }
            similarity.add(row);
        }
        int elbow = curve.elbow();
        return new LayerRedundancy(curve, similarity, similarities.meanSimilarity(), elbow, curve.residual(elbow),
                curve.clusters(maxResidual));
    }
}
