// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class ClusteringTests {

    /** Features of heads as their inner products. */
    private static HeadGram gram(double[]... features) {
        HeadGram gram = new HeadGram(features.length);
        gram.append(features);
        return gram;
    }

    private static HeadGram random(int heads, int length, int seed) {
        Random random = new Random(seed);
        double[][] features = new double[heads][length];
        for (double[] feature : features) {
            for (int i = 0; i < length; i++) {
                feature[i] = random.nextDouble();
            }
        }
        return gram(features);
    }

    @Test
    void distancesAreThoseOfTheFeatures() {
        HeadGram gram = gram(new double[]{ 1, 0 }, new double[]{ 1, 1 }, new double[]{ 2, 0 });

        assertThat(gram.cosineDistance(0, 1)).isCloseTo(1 - 1 / Math.sqrt(2), within(1e-15));
        assertThat(gram.cosineDistance(0, 2)).isZero();
        assertThat(gram.cosineDistance(1, 1)).isZero();
        assertThat(gram.euclideanDistance(0, 1)).isCloseTo(1, within(1e-15));
        assertThat(gram.euclideanDistance(0, 2)).isCloseTo(1, within(1e-15));
    }

    @Test
    void productsAddUpRowByRow() {
        double[][] rows = { { 0.25, 0.75 }, { 0.5, 0.5 }, { 1, 0 } };
        HeadGram whole = gram(rows);
        HeadGram pieces = new HeadGram(3);
        pieces.append(new double[][]{ { 0.25 }, { 0.5 }, { 1 } });
        pieces.append(new double[][]{ { 0.75 }, { 0.5 }, { 0 } });
        for (int a = 0; a < 3; a++) {
            for (int b = 0; b < 3; b++) {
                assertThat(pieces.product(a, b)).isEqualTo(whole.product(a, b));
            }
        }
    }

    @Test
    void averageLinkageMergesByMeanDistance() {
        // Angles in degrees; cosine distance grows with the difference. {0, 10} first, then {40, 52}; at two clusters
        // the single head at 80 is nearer to the pair around 46 than that pair is to the one around 5.
        double[] angles = { 0, 40, 10, 52, 80 };
        HeadGram gram = gram(Arrays.stream(angles)
                .mapToObj(angle -> new double[]{ Math.cos(Math.toRadians(angle)), Math.sin(Math.toRadians(angle)) })
                .toArray(double[][]::new));

        assertThat(members(gram, 4)).containsExactly(0, 1, 0, 2, 3);
        assertThat(members(gram, 3)).containsExactly(0, 1, 0, 1, 2);
        assertThat(members(gram, 2)).containsExactly(0, 1, 0, 1, 1);
        assertThat(members(gram, 1)).containsExactly(0, 0, 0, 0, 0);
    }

    private static int[] members(HeadGram gram, int clusters) {
        return ClusteringAlgorithm.AGGLOMERATIVE.cluster(gram, clusters, RepresentativeChoice.FIRST).members();
    }

    @Test
    void averageLinkageAgreesWithItsDefinition() {
        for (int seed = 0; seed < 200; seed++) {
            HeadGram gram = random(3 + seed % 10, 15, seed);
            for (int clusters = 1; clusters <= gram.numberOfHeads(); clusters++) {
                assertThat(members(gram, clusters)).as("seed %d, %d clusters", seed, clusters)
                        .containsExactly(byDefinition(gram, clusters));
            }
        }
    }

    /** Mean of all pairwise distances, recomputed from scratch for every merge. */
    private static int[] byDefinition(HeadGram gram, int wanted) {
        List<List<Integer>> clusters = new ArrayList<>();
        IntStream.range(0, gram.numberOfHeads()).forEach(head -> clusters.add(new ArrayList<>(List.of(head))));
        while (clusters.size() > wanted) {
            double best = Double.MAX_VALUE;
            int first = 0;
            int second = 0;
            for (int a = 0; a < clusters.size(); a++) {
                for (int b = a + 1; b < clusters.size(); b++) {
                    double sum = 0;
                    for (int x : clusters.get(a)) {
                        for (int y : clusters.get(b)) {
                            sum += gram.cosineDistance(x, y);
                        }
                    }
                    double mean = sum / (clusters.get(a).size() * clusters.get(b).size());
                    if (mean < best - 1e-12) {
                        best = mean;
                        first = a;
                        second = b;
                    }
                }
            }
            clusters.get(first).addAll(clusters.remove(second));
        }
        clusters.sort(Comparator.comparing(cluster -> cluster.stream().min(Integer::compare).orElseThrow()));
        int[] members = new int[gram.numberOfHeads()];
        for (int cluster = 0; cluster < clusters.size(); cluster++) {
            for (int head : clusters.get(cluster)) {
                members[head] = cluster;
            }
        }
        return members;
    }

    @Test
    void ofEqualMergesTheLowestHeadsGoFirst() {
        double[] a = { 0.6, 0.8 };
        double[] b = { 0.1, 0.3 };
        HeadGram gram = gram(b, a, a, b, a, b);

        assertThat(members(gram, 5)).as("0 and 3").containsExactly(0, 1, 2, 0, 3, 4);
        assertThat(members(gram, 4)).as("0, 3 and 5").containsExactly(0, 1, 2, 0, 3, 0);
        assertThat(members(gram, 3)).as("1 and 2").containsExactly(0, 1, 1, 0, 2, 0);
        assertThat(members(gram, 2)).containsExactly(0, 1, 1, 0, 1, 0);
    }

    @ParameterizedTest
    @EnumSource
    void identicalHeadsStillMakeExactlyTheClustersAskedFor(ClusteringAlgorithm algorithm) {
        double[] same = { 0.2, 0.3, 0.5 };
        HeadGram gram = gram(same, same, same, same, same, same, same, same);
        for (int clusters = 1; clusters <= 8; clusters++) {
            for (RepresentativeChoice choice : RepresentativeChoice.values()) {
                HeadClusters result = algorithm.cluster(gram, clusters, choice);
                assertThat(Arrays.stream(result.members()).distinct().count()).isEqualTo(clusters);
            }
        }
    }

    /** With a window of one token every head gives that token probability 1. */
    @ParameterizedTest
    @EnumSource
    void windowOfOneTokenWorks(ClusteringAlgorithm algorithm) {
        HeadGram gram = gram(new double[]{ 1 }, new double[]{ 1 }, new double[]{ 1 });
        assertThat(algorithm.cluster(gram, 2, RepresentativeChoice.FIRST).numberOfClusters()).isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource
    void resultsAreWholeAndNumberedByTheirLowestHead(ClusteringAlgorithm algorithm) {
        for (int seed = 0; seed < 50; seed++) {
            HeadGram gram = random(8, 15, seed);
            for (int clusters = 1; clusters <= 8; clusters++) {
                HeadClusters result = algorithm.cluster(gram, clusters, RepresentativeChoice.MEDOID);
                int[] lowest = new int[clusters];
                for (int cluster = 0; cluster < clusters; cluster++) {
                    int c = cluster;
                    lowest[cluster] = IntStream.range(0, 8).filter(head -> result.member(head) == c).findFirst()
                            .orElseThrow();
                    assertThat(result.member(result.representative(cluster))).isEqualTo(cluster);
                }
                assertThat(lowest).isSorted();
            }
        }
    }

    @Test
    void kMeansFindsSeparateGroupsAndIsRepeatable() {
        Random random = new Random(3);
        double[][] features = new double[12][10];
        for (int head = 0; head < 12; head++) {
            for (int i = 0; i < 10; i++) {
                features[head][i] = (head % 3 == i % 3 ? 5 : 0) + random.nextDouble() * 0.1;
            }
        }
        HeadGram gram = gram(features);
        HeadClusters clusters = ClusteringAlgorithm.KMEANS.cluster(gram, 3, RepresentativeChoice.FIRST);
        assertThat(clusters.members()).containsExactly(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2);
        assertThat(ClusteringAlgorithm.KMEANS.cluster(gram, 5, RepresentativeChoice.MEDOID))
                .isEqualTo(ClusteringAlgorithm.KMEANS.cluster(gram, 5, RepresentativeChoice.MEDOID));
    }

    @Test
    void firstIsTheLowestHeadAndMedoidTheMostCentral() {
        double[] angles = { 0, 14, 6 };
        HeadGram gram = gram(Arrays.stream(angles)
                .mapToObj(angle -> new double[]{ Math.cos(Math.toRadians(angle)), Math.sin(Math.toRadians(angle)) })
                .toArray(double[][]::new));
        assertThat(ClusteringAlgorithm.AGGLOMERATIVE.cluster(gram, 1, RepresentativeChoice.FIRST).representative(0))
                .isZero();
        assertThat(ClusteringAlgorithm.AGGLOMERATIVE.cluster(gram, 1, RepresentativeChoice.MEDOID).representative(0))
                .isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource
    void aPairIsATieThatTheLowerHeadWins(ClusteringAlgorithm algorithm) {
        HeadGram gram = gram(new double[]{ 0.3, 0.7 }, new double[]{ 0.4, 0.6 });
        assertThat(algorithm.cluster(gram, 1, RepresentativeChoice.MEDOID).representative(0)).isZero();
    }

    @Test
    void asManyClustersAsHeadsIsExact() {
        assertThat(ClusteringAlgorithm.KMEANS.cluster(random(5, 3, 1), 5, RepresentativeChoice.MEDOID))
                .isEqualTo(HeadClusters.identity(5));
    }

    @Test
    void refusesImpossibleNumbersOfClusters() {
        assertThatThrownBy(
                () -> ClusteringAlgorithm.AGGLOMERATIVE.cluster(random(4, 3, 1), 0, RepresentativeChoice.FIRST))
                .hasMessage("clusters must be 1 to 4 (the number of heads), found 0");
        assertThatThrownBy(() -> ClusteringAlgorithm.KMEANS.cluster(random(4, 3, 1), 5, RepresentativeChoice.FIRST))
                .hasMessage("clusters must be 1 to 4 (the number of heads), found 5");
    }

    @Test
    void refusesFeaturesThatAreNotNumbers() {
        HeadGram gram = gram(new double[]{ 1 }, new double[]{ Double.NaN }, new double[]{ 1 });
        assertThatThrownBy(() -> ClusteringAlgorithm.AGGLOMERATIVE.cluster(gram, 2, RepresentativeChoice.FIRST))
                .hasMessageContaining("not finite");
    }

    @Test
    void clustersMustBeWhole() {
        assertThatThrownBy(() -> HeadClusters.of(new int[]{ 0, 2 }, new int[]{ 0, 1 }))
                .hasMessage("head 1 is in cluster 2, there are 2 clusters (0 to 1)");
        assertThatThrownBy(() -> HeadClusters.of(new int[]{ 0, 0 }, new int[]{ 0, 1 }))
                .hasMessage("cluster 1 is represented by head 1, which is a member of cluster 0");
        assertThatThrownBy(() -> HeadClusters.of(new int[]{ 0, 1 }, new int[]{ 0, 5 }))
                .hasMessage("cluster 1 is represented by head 5, there are 2 heads (0 to 1)");
    }

    @Test
    void headsThatShareProbabilitiesAreClustersNumberedByTheirLowestHead() {
        assertThat(HeadClusters.ofRepresentatives(new int[]{ 2, 1, 2, 1, 4 }))
                .isEqualTo(HeadClusters.of(new int[]{ 0, 1, 0, 1, 2 }, new int[]{ 2, 1, 4 }));
        assertThat(HeadClusters.ofRepresentatives(new int[]{ 0, 1, 2 })).isEqualTo(HeadClusters.identity(3));
        assertThatThrownBy(() -> HeadClusters.ofRepresentatives(new int[]{ 1, 0 }))
                .hasMessage("cluster 0 is represented by head 1, which is a member of cluster 1");
        assertThatThrownBy(() -> HeadClusters.ofRepresentatives(new int[]{ 2, 1 }))
                .hasMessage("cluster 0 is represented by head 2, there are 2 heads (0 to 1)");
    }

    @Test
    void similarityIsWhatTheDistanceLeavesOf1() {
        HeadGram gram = gram(new double[]{ 1, 0 }, new double[]{ 1, 1 }, new double[]{ 2, 0 });

        assertThat(gram.cosineSimilarity(0, 1)).isCloseTo(1 / Math.sqrt(2), within(1e-15));
        assertThat(gram.cosineSimilarity(0, 2)).isEqualTo(1);
        assertThat(gram.normalized().product(1, 2)).isEqualTo(gram.cosineSimilarity(1, 2));
        assertThat(gram.meanSimilarity()).isCloseTo((1 + 2 / Math.sqrt(2)) / 3, within(1e-15));
    }
}
