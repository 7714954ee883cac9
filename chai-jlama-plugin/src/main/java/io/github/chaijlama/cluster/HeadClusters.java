// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

import java.util.Arrays;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

/**
 * Which heads of a layer share one set of scores. Immutable.
 *
 * <p>Head {@code h} belongs to cluster {@code member(h)}, and takes the attention probabilities of that cluster's
 * representative head, {@code representative(member(h))} (arXiv:2403.08058, section 3).
 */
public final class HeadClusters {
    private final int[] members;
    private final int[] representatives;

    private HeadClusters(int[] members, int[] representatives) {
        this.members = members;
        this.representatives = representatives;
    }

    /**
     * Returns clusters after checking that they are whole.
     *
     * @param members         cluster of each head, {@code (numberOfHeads)}
     * @param representatives head that represents each cluster, {@code (numberOfClusters)}
     * @throws IllegalArgumentException if a cluster is out of range or its representative is not one of its members
     */
    public static HeadClusters of(int[] members, int[] representatives) {
        for (int head = 0; head < members.length; head++) {
            if (members[head] < 0 || members[head] >= representatives.length) {
                throw new IllegalArgumentException("head " + head + " is in cluster " + members[head] + ", there are "
                        + representatives.length + " clusters (0 to " + (representatives.length - 1) + ")");
            }
        }
        for (int cluster = 0; cluster < representatives.length; cluster++) {
            int head = representatives[cluster];
            if (head < 0 || head >= members.length) {
                throw new IllegalArgumentException("cluster " + cluster + " is represented by head " + head
                        + ", there are " + members.length + " heads (0 to " + (members.length - 1) + ")");
            }
            if (members[head] != cluster) {
                throw new IllegalArgumentException("cluster " + cluster + " is represented by head " + head
                        + ", which is a member of cluster " + members[head]);
            }
        }
        return new HeadClusters(members.clone(), representatives.clone());
    }

    /**
     * Returns the clusters in which each head takes the attention probabilities of a given one, numbered by their
     * lowest head.
     *
     * @param representativeOf head whose probabilities each head takes, itself or one that keeps its own,
     *                         {@code (numberOfHeads)}
     * @throws IllegalArgumentException if a head takes the probabilities of one that does not exist or keep its own
     */
    public static HeadClusters ofRepresentatives(int[] representativeOf) {
        int[] representatives = Arrays.stream(representativeOf).distinct().toArray();
        int[] members = Arrays.stream(representativeOf)
                .map(head -> IntStream.range(0, representatives.length)
                        .filter(cluster -> representatives[cluster] == head).findFirst().orElseThrow())
                .toArray();
        return of(members, representatives);
    }

    /** Checks a number of clusters that heads are to be put into. */
    static void requirePossible(int numberOfClusters, int numberOfHeads) {
        if (numberOfClusters < 1 || numberOfClusters > numberOfHeads) {
            throw new IllegalArgumentException("clusters must be 1 to " + numberOfHeads
                    + " (the number of heads), found " + numberOfClusters);
        }
    }

    /** Returns the clusters of exact attention: every head represents itself. */
    public static HeadClusters identity(int numberOfHeads) {
        int[] heads = IntStream.range(0, numberOfHeads).toArray();
        return new HeadClusters(heads, heads);
    }

    /** Returns how many heads there are. */
    public int numberOfHeads() {
        return members.length;
    }

    /** Returns how many clusters there are. */
    public int numberOfClusters() {
        return representatives.length;
    }

    /** Returns the cluster of a head. */
    public int member(int head) {
        return members[head];
    }

    /** Returns the head that represents a cluster. */
    public int representative(int cluster) {
        return representatives[cluster];
    }

    /** Returns the cluster of each head, a copy. */
    public int[] members() {
        return members.clone();
    }

    /** Returns the representative head of each cluster, a copy. */
    public int[] representatives() {
        return representatives.clone();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof HeadClusters that && Arrays.equals(members, that.members)
                && Arrays.equals(representatives, that.representatives);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(members) + Arrays.hashCode(representatives);
    }

    @Override
    public String toString() {
        return "HeadClusters[members=" + Arrays.toString(members) + ", representatives="
                + Arrays.toString(representatives) + "]";
    }
}
