// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * k-medoids on distances that need not be symmetric: the {@code k} representatives with the smallest sum, over all
 * heads, of the distance to the nearest representative. Exact where there are at most {@value #MAX_CHOICES} sets of
 * representatives, otherwise by BUILD and SWAP of PAM (Kaufman and Rousseeuw: Finding Groups in Data, 1990, chapter 2).
 * Deterministic: of equal choices the one with the lowest heads wins.
 */
public final class Medoids {
    private static final int MAX_CHOICES = 20_000;

    private final OutputDistances distances;
    private final int heads;
    private final int numberOfClusters;

    private Medoids(OutputDistances distances, int numberOfClusters) {
        this.distances = distances;
        this.heads = distances.numberOfHeads();
        this.numberOfClusters = numberOfClusters;
    }

    /**
     * Puts heads into exactly {@code numberOfClusters} clusters, numbered by their lowest head.
     *
     * @throws IllegalArgumentException if the number of clusters is out of range or a distance is not finite
     */
    public static HeadClusters cluster(OutputDistances distances, int numberOfClusters) {
        int heads = distances.numberOfHeads();
        HeadClusters.requirePossible(numberOfClusters, heads);
        if (!distances.isFinite()) {
            throw new IllegalArgumentException(
                    "the outputs of attention are not finite numbers; the model's weights are probably broken");
        }
        Medoids medoids = new Medoids(distances, numberOfClusters);
        return medoids.clusters(choices(heads, numberOfClusters) <= MAX_CHOICES ? medoids.best() : medoids.pam());
    }

    /** Returns how many sets of representatives there are, {@value #MAX_CHOICES} + 1 if there are more than that. */
    private static long choices(int heads, int numberOfClusters) {
        long choices = 1;
        for (int i = 1; i <= Math.min(numberOfClusters, heads - numberOfClusters); i++) {
            choices = choices * (heads + 1 - i) / i;
            if (choices > MAX_CHOICES) {
                return choices;
            }
        }
        return choices;
    }

    /** Goes through all sets, in the order of their heads. */
    private int[] best() {
        int[] chosen = IntStream.range(0, numberOfClusters).toArray();
        int[] best = chosen.clone();
        double smallest = cost(chosen);
        while (next(chosen)) {
            double cost = cost(chosen);
            if (cost < smallest) {
                smallest = cost;
                best = chosen.clone();
            }
        }
        return best;
    }

    /** Goes on to the next set in lexicographic order, or returns false after the last. */
    private boolean next(int[] chosen) {
        int last = numberOfClusters - 1;
        while (last >= 0 && chosen[last] == heads - numberOfClusters + last) {
            last--;
        }
        if (last < 0) {
            return false;
        }
        chosen[last]++;
        for (int i = last + 1; i < numberOfClusters; i++) {
            chosen[i] = chosen[i - 1] + 1;
        }
        return true;
    }

    private int[] pam() {
        int[] chosen = build();
        int[] swapped = bestSwap(chosen);
        while (cost(swapped) < cost(chosen)) {
            chosen = swapped;
            swapped = bestSwap(chosen);
        }
        Arrays.sort(chosen);
        return chosen;
    }

    /** Adds one representative after another, the one that lowers the cost most. */
    private int[] build() {
        int[] chosen = new int[0];
        while (chosen.length < numberOfClusters) {
            chosen = bestAt(Arrays.copyOf(chosen, chosen.length + 1), chosen.length);
        }
        return chosen;
    }

    /** Returns the set with the lowest cost among those that differ in one representative. */
    private int[] bestSwap(int[] chosen) {
        int[] best = chosen;
        for (int place = 0; place < chosen.length; place++) {
            int[] swapped = bestAt(chosen, place);
            if (cost(swapped) < cost(best)) {
                best = swapped;
            }
        }
        return best;
    }

    /** Returns the set with the representative at one place chosen anew, so that the cost is lowest. */
    private int[] bestAt(int[] chosen, int place) {
        int[] others = IntStream.range(0, chosen.length).filter(i -> i != place).map(i -> chosen[i]).toArray();
        return IntStream.range(0, heads).filter(head -> !contains(others, head)).mapToObj(head -> {
            int[] candidate = chosen.clone();
            candidate[place] = head;
            return candidate;
        }).min(Comparator.comparingDouble(this::cost)).orElseThrow();
    }

    private double cost(int[] chosen) {
        double sum = 0;
        for (int head = 0; head < heads; head++) {
            sum += distances.distance(head, nearest(head, chosen));
        }
        return sum;
    }

    /** Returns the representative nearest to a head: itself if it is one. */
    private int nearest(int head, int[] chosen) {
        return contains(chosen, head) ? head : distances.nearest(head, chosen);
    }

    private static boolean contains(int[] chosen, int head) {
        for (int other : chosen) {
            if (other == head) {
                return true;
            }
        }
        return false;
    }

    private HeadClusters clusters(int[] chosen) {
        return HeadClusters
                .ofRepresentatives(IntStream.range(0, heads).map(head -> nearest(head, chosen)).toArray());
    }
}
