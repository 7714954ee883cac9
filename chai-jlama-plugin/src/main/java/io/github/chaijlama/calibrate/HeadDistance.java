// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

/** What makes two heads of a layer alike, where clusters are the same for every sequence. */
public enum HeadDistance {
    /** Their attention probabilities, clustered by the algorithm of {@link MembershipChoice}: the paper's way. */
    ATTENTION,
    /**
     * How little the output of the layer's attention changes if one takes the other's probabilities, over the sample
     * texts ({@link io.github.chaijlama.cluster.OutputDistances}); representatives by k-medoids.
     */
    OUTPUT,
    /**
     * As {@link #OUTPUT}, each head weighted by how much the model's predictions mind: the row {@code D[h]} is scaled
     * so that its smallest entry is the mean divergence KL(exact || changed) on some of the sample texts if the head
     * takes those probabilities and all other heads stay exact. How much a change of the output matters differs between
     * heads a hundredfold; it takes {@code layers * heads} measurements to know.
     */
    WEIGHTED,
    /**
     * How little the model's predictions change if one takes the other's probabilities and all other heads stay exact:
     * the mean divergence KL(exact || changed) on some of the sample texts, measured for every two heads of a layer;
     * representatives by k-medoids. Takes {@code layers * heads * (heads - 1)} measurements.
     */
    MEASURED
}
