// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import io.github.chaijlama.cluster.HeadClusters;
import io.github.chaijlama.model.HeadLayout;

/**
 * What a layer's clusters mean for the work to be done: which heads are projected, whose keys are read, and which
 * outputs are sums of which values. Immutable.
 */
final class HeadPlan {
    private final HeadClusters clusters;
    private final int[] keyHeads;
    private final int[] keptKeyHeads;
    private final int[][] clustersOfKeyHead;
    private final int[][] representativesOfKeyHead;
    private final Output[][] outputsOfCluster;
    private final Output[][] outputsOfValueHead;
    private final List<HeadRun> queryRuns;
    private final List<HeadRun> keyRuns;
    private final boolean readsOwnHeadsOnly;

    /**
     * One weighted sum of values. Heads of one cluster that share a KV head have the same output, so it is calculated
     * once.
     *
     * @param cluster   whose probabilities
     * @param valueHead KV head whose values
     * @param heads     query heads that receive it, at least one
     */
    record Output(int cluster, int valueHead, int[] heads) {}

    HeadPlan(HeadLayout layout, HeadClusters clusters, KeptKeys kept) {
        this.clusters = clusters;
        int[] representatives = clusters.representatives();
        this.keyHeads = Arrays.stream(representatives).map(layout::kvHead).sorted().distinct().toArray();
        this.keptKeyHeads = switch (kept) {
            case READ -> keyHeads;
            case ALL -> IntStream.range(0, layout.numberOfKvHeads()).toArray();
            case NONE -> new int[0];
        };
        this.clustersOfKeyHead = Arrays.stream(keyHeads)
                .mapToObj(keyHead -> IntStream.range(0, clusters.numberOfClusters())
                        .filter(cluster -> layout.kvHead(representatives[cluster]) == keyHead).toArray())
                .toArray(int[][]::new);
        this.representativesOfKeyHead = Arrays.stream(clustersOfKeyHead)
                .map(ofHead -> Arrays.stream(ofHead).map(cluster -> representatives[cluster]).toArray())
                .toArray(int[][]::new);
        List<Output> outputs = outputs(layout, clusters);
        this.outputsOfCluster = IntStream.range(0, clusters.numberOfClusters())
                .mapToObj(cluster -> outputs.stream().filter(output -> output.cluster() == cluster)
                        .toArray(Output[]::new))
                .toArray(Output[][]::new);
        this.outputsOfValueHead = IntStream.range(0, layout.numberOfKvHeads())
                .mapToObj(kvHead -> outputs.stream().filter(output -> output.valueHead() == kvHead)
                        .toArray(Output[]::new))
                .toArray(Output[][]::new);
        this.queryRuns = HeadRun.of(Arrays.stream(representatives).sorted().toArray());
        this.keyRuns = HeadRun.of(keptKeyHeads);
        this.readsOwnHeadsOnly = outputs.stream()
                .allMatch(output -> layout.kvHead(representatives[output.cluster()]) == output.valueHead());
    }

    private static List<Output> outputs(HeadLayout layout, HeadClusters clusters) {
        List<Output> outputs = new ArrayList<>();
        for (int c = 0; c < clusters.numberOfClusters(); c++) {
            int cluster = c;
            int[] members = IntStream.range(0, layout.numberOfHeads()).filter(head -> clusters.member(head) == cluster)
                    .toArray();
            for (int v : Arrays.stream(members).map(layout::kvHead).distinct().toArray()) {
                outputs.add(new Output(cluster, v,
                        Arrays.stream(members).filter(head -> layout.kvHead(head) == v).toArray()));
            }
        }
        return outputs;
    }

    HeadClusters clusters() {
        return clusters;
    }

    int numberOfClusters() {
        return clusters.numberOfClusters();
    }

    int representative(int cluster) {
        return clusters.representative(cluster);
    }

    /** Returns the KV heads whose keys are read, ascending. */
    int[] keyHeads() {
        return keyHeads;
    }

    /** Returns the KV heads whose keys are kept, ascending: those that are read, unless layers share them. */
    int[] keptKeyHeads() {
        return keptKeyHeads;
    }

    /** Returns the clusters whose representative reads the keys of {@code keyHeads()[index]}. */
    int[] clustersOfKeyHead(int index) {
        return clustersOfKeyHead[index];
    }

    /** Returns the representatives of {@link #clustersOfKeyHead}, in the same order. */
    int[] representativesOfKeyHead(int index) {
        return representativesOfKeyHead[index];
    }

    Output[] outputsOfCluster(int cluster) {
        return outputsOfCluster[cluster];
    }

    Output[] outputsOfValueHead(int kvHead) {
        return outputsOfValueHead[kvHead];
    }

    /** Returns the query heads to project. */
    List<HeadRun> queryRuns() {
        return queryRuns;
    }

    /** Returns the KV heads whose keys are projected. */
    List<HeadRun> keyRuns() {
        return keyRuns;
    }

    /** Whether every output uses the values of the KV head its scores come from, as in exact attention. */
    boolean readsOwnHeadsOnly() {
        return readsOwnHeadsOnly;
    }
}
