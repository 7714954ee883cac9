// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;
import java.util.stream.Stream;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.profile.ModelShape;

/**
 * How alike the heads of a layer are, added up over texts: as much for one text as for a thousand. Not thread-safe.
 *
 * @param products     inner products of the heads' features, each text with the weight of its length
 * @param similarities the same of features scaled to length 1, each text with the same weight
 * @param outputs      distances of the outputs of attention
 */
record HeadSums(HeadGram products, HeadGram similarities, OutputDistances outputs) {

    /** Creates sums over no texts. */
    HeadSums(int heads) {
        this(new HeadGram(heads), new HeadGram(heads), new OutputDistances(heads));
    }

    /** Returns sums over no texts, for each layer. */
    static List<HeadSums> ofLayers(ModelShape shape) {
        return Stream.generate(() -> new HeadSums(shape.heads())).limit(shape.layers()).toList();
    }

    /**
     * Adds a text, whose outputs have been added where they are observed.
     *
     * @param textProducts inner products of the heads' features over the text
     */
    void add(HeadGram textProducts) {
        products.add(textProducts);
        similarities.add(textProducts.normalized());
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
}
