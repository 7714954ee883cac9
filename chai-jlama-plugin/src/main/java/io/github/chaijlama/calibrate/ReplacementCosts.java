// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.profile.ModelShape;

/**
 * Distances between heads by what the model's predictions make of one head taking another's attention probabilities.
 *
 * @param measure measures a replacement
 */
record ReplacementCosts(Function<HeadReplacement, QualityLoss> measure) {

    /** Returns the divergence of every replacement, see {@link HeadDistance#MEASURED}. */
    List<OutputDistances> measure(ModelShape shape) {
        List<OutputDistances> costs = new ArrayList<>();
        for (int layer = 0; layer < shape.layers(); layer++) {
            double[] measured = new double[shape.heads() * shape.heads()];
            for (int head = 0; head < shape.heads(); head++) {
                for (int other = 0; other < shape.heads(); other++) {
                    measured[head * shape.heads() + other] = head == other ? 0
                            : cost(new HeadReplacement(layer, head, other));
                }
            }
            costs.add(OutputDistances.of(shape.heads(), measured));
        }
        return costs;
    }

    /** Returns the distances of outputs, the row of each head scaled, see {@link HeadDistance#WEIGHTED}. */
    List<OutputDistances> weigh(List<OutputDistances> outputs) {
        return IntStream.range(0, outputs.size()).mapToObj(layer -> weigh(layer, outputs.get(layer))).toList();
    }

    private OutputDistances weigh(int layer, OutputDistances outputs) {
        int heads = outputs.numberOfHeads();
        double[] weighted = outputs.sums();
        for (int head = 0; head < heads; head++) {
            int nearest = outputs.nearest(head);
            double smallest = outputs.distance(head, nearest);
            // Where taking over the nearest head's probabilities changes nothing, there is nothing to scale by.
            double weight = smallest > 0 ? cost(new HeadReplacement(layer, head, nearest)) / smallest : 1;
            for (int other = 0; other < heads; other++) {
                weighted[head * heads + other] *= weight;
            }
        }
        return OutputDistances.of(heads, weighted);
    }

    private double cost(HeadReplacement replacement) {
        return measure.apply(replacement).divergence().value();
    }
}
