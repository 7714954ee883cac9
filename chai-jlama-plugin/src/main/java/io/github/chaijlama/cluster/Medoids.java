// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * k-medoids on distances that need not be symmetric: the {@code k} representatives with the smallest sum, over all
 * heads, of the distance to the nearest representative. Exact where there are at most {@value #MAX_CHOICES} sets of
 * representatives, otherwise by BUILD and SWAP of PAM (Kaufman and Rousseeuw: Finding Groups in Data, 1990, chapter 2).
 * Deterministic: of equal choices the one with the lowest heads wins. With grouped queries representatives may
 * be chosen from as few groups as will do, so that the other groups' keys are not needed.
 */
public final class Medoids {
    private static final int MAX_CHOICES = 20_000;

    private final OutputDistances distances;
    private final int heads;
    /** What representatives are chosen from, some heads at a time: {@code (candidate, head)}. */
    private final int[][] candidates;
    private final int numberOfChosen;

    private Medoids(OutputDistances distances, int[][] candidates, int numberOfChosen) {
        this.distances = distances;
        this.heads = distances.numberOfHeads();
        this.candidates = candidates;
        this.numberOfChosen = numberOfChosen;
    }

    /**
     * Puts heads into exactly {@code numberOfClusters} clusters, numbered by their lowest head.
     *
     * @throws IllegalArgumentException if the number of clusters is out of range or a distance is not finite
     */
    public static HeadClusters cluster(OutputDistances distances, int numberOfClusters) {
        return cluster(distances, numberOfClusters, 1);
    }

    /**
     * Puts heads into exactly {@code numberOfClusters} clusters whose representatives are of as few groups as have room
     * for them: those whose heads together are nearest to all others, and of their heads the best ones.
     *
     * @param groupSize heads that use the same keys, {@code group(head) = head / groupSize}; 1 if each has its own
     * @throws IllegalArgumentException if the number of clusters is out of range, the heads are no whole number of
     *                                  groups, or a distance is not finite
     */
    public static HeadClusters cluster(OutputDistances distances, int numberOfClusters, int groupSize) {
        int heads = distances.numberOfHeads();
        HeadClusters.requirePossible(numberOfClusters, heads);
        if (groupSize < 1 || heads % groupSize != 0) {
            throw new IllegalArgumentException(heads + " heads cannot be in groups of " + groupSize);
        }
        if (!distances.isFinite()) {
            throw new IllegalArgumentException(
                    "the outputs of attention are not finite numbers; the model's weights are probably broken");
        }
        int[][] groups = IntStream.range(0, heads / groupSize)
                .mapToObj(group -> IntStream.range(group * groupSize, (group + 1) * groupSize).toArray())
                .toArray(int[][]::new);
        int groupsNeeded = (numberOfClusters + groupSize - 1) / groupSize;
        int[] inThose = new Medoids(distances, groups, groupsNeeded).choose();
        int[][] single = Arrays.stream(inThose).mapToObj(head -> new int[]{ head }).toArray(int[][]::new);
        Medoids medoids = new Medoids(distances, single, numberOfClusters);
        return medoids.clusters(medoids.choose());
    }

    /** Returns the heads of the candidates with the smallest cost, in rising order. */
    private int[] choose() {
        int[] chosen = choices(candidates.length, numberOfChosen) <= MAX_CHOICES ? best() : pam();
        return heads(chosen);
    }

    private int[] heads(int[] chosen) {
        return Arrays.stream(chosen).flatMap(candidate -> Arrays.stream(candidates[candidate])).toArray();
    }

    /** Returns how many sets of candidates there are, {@value #MAX_CHOICES} + 1 if there are more than that. */
    private static long choices(int all, int numberOfChosen) {
        long choices = 1;
        for (int i = 1; i <= Math.min(numberOfChosen, all - numberOfChosen); i++) {
            choices = choices * (all + 1 - i) / i;
            if (choices > MAX_CHOICES) {
                return choices;
            }
        }
        return choices;
    }

    /** Goes through all sets of candidates, in their order. */
    private int[] best() {
        int[] chosen = IntStream.range(0, numberOfChosen).toArray();
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
        int last = numberOfChosen - 1;
        while (last >= 0 && chosen[last] == candidates.length - numberOfChosen + last) {
            last--;
        }
        if (last < 0) {
            return false;
        }
        chosen[last]++;
        for (int i = last + 1; i < numberOfChosen; i++) {
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

    /** Adds one candidate after another, the one that lowers the cost most. */
    private int[] build() {
        int[] chosen = new int[0];
        while (chosen.length < numberOfChosen) {
            chosen = bestAt(Arrays.copyOf(chosen, chosen.length + 1), chosen.length);
        }
        return chosen;
    }

    /** Returns the set with the lowest cost among those that differ in one candidate. */
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

    /** Returns the set with the candidate at one place chosen anew, so that the cost is lowest. */
    private int[] bestAt(int[] chosen, int place) {
        int[] others = IntStream.range(0, chosen.length).filter(i -> i != place).map(i -> chosen[i]).toArray();
        return IntStream.range(0, candidates.length).filter(other -> !contains(others, other)).mapToObj(other -> {
            int[] changed = chosen.clone();
            changed[place] = other;
            return changed;
        }).min(Comparator.comparingDouble(this::cost)).orElseThrow();
    }

    private double cost(int[] chosen) {
        int[] representatives = heads(chosen);
        double sum = 0;
        for (int head = 0; head < heads; head++) {
            sum += distances.distance(head, nearest(head, representatives));
        }
        return sum;
    }

    /** Returns the representative nearest to a head: itself if it is one. */
    private int nearest(int head, int[] representatives) {
        return contains(representatives, head) ? head : distances.nearest(head, representatives);
    }

    private static boolean contains(int[] chosen, int head) {
        for (int other : chosen) {
            if (other == head) {
                return true;
            }
        }
        return false;
    }

    private HeadClusters clusters(int[] representatives) {
        return HeadClusters
                .ofRepresentatives(IntStream.range(0, heads).map(head -> nearest(head, representatives)).toArray());
    }
}
