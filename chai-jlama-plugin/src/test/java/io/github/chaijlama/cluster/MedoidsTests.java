// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

import java.util.Arrays;
import java.util.SplittableRandom;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class MedoidsTests {

    private static OutputDistances distances(double[][] rows) {
        OutputDistances distances = new OutputDistances(rows.length);
        distances.add(Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray());
        return distances;
    }

    private static OutputDistances random(int heads, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double[][] rows = new double[heads][heads];
        for (int head = 0; head < heads; head++) {
            for (int other = 0; other < heads; other++) {
                rows[head][other] = head == other ? 0 : random.nextDouble(0.1, 2);
            }
        }
        return distances(rows);
    }

    private static double cost(OutputDistances distances, HeadClusters clusters) {
        double cost = 0;
        for (int head = 0; head < distances.numberOfHeads(); head++) {
            cost += distances.distance(head, clusters.representative(clusters.member(head)));
        }
        return cost;
    }

    /** Every set of heads as a bit mask, every head with the nearest of them. */
    private static double lowestCost(OutputDistances distances, int numberOfClusters) {
        int heads = distances.numberOfHeads();
        double lowest = Double.POSITIVE_INFINITY;
        for (int set = 0; set < 1 << heads; set++) {
            if (Integer.bitCount(set) == numberOfClusters) {
                double cost = 0;
                for (int head = 0; head < heads; head++) {
                    double nearest = Double.POSITIVE_INFINITY;
                    for (int other = 0; other < heads; other++) {
                        if ((set >> other & 1) == 1) {
                            nearest = Math.min(nearest, distances.distance(head, other));
                        }
                    }
                    cost += nearest;
                }
                lowest = Math.min(lowest, cost);
            }
        }
        return lowest;
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 3, 4, 5, 6, 7, 8 })
    void representativesAreOfAsFewGroupsAsHaveRoom(int numberOfClusters) {
        for (int seed = 0; seed < 20; seed++) {
            HeadClusters clusters = Medoids.cluster(random(8, seed), numberOfClusters, 2);

            assertThat(clusters.numberOfClusters()).isEqualTo(numberOfClusters);
            assertThat(Arrays.stream(clusters.representatives()).map(head -> head / 2).distinct().count())
                    .isLessThanOrEqualTo((numberOfClusters + 1) / 2);
        }
    }

    @Test
    void theGroupsThatStayAreTheNearestToAllOthers() {
        for (int seed = 0; seed < 20; seed++) {
            OutputDistances distances = random(12, seed);
            double lowest = Double.POSITIVE_INFINITY;
            for (int stays = 0; stays < 4; stays++) {
                double cost = 0;
                for (int head = 0; head < 12; head++) {
                    int first = 3 * stays;
                    cost += head / 3 == stays ? 0
                            : distances.distance(head,
                                    distances.nearest(head, new int[]{ first, first + 1, first + 2 }));
                }
                lowest = Math.min(lowest, cost);
            }
            assertThat(cost(distances, Medoids.cluster(distances, 3, 3))).isCloseTo(lowest, within(1e-12));
        }
    }

    @Test
    void headsAreInWholeGroups() {
        assertThatThrownBy(() -> Medoids.cluster(random(8, 1), 2, 3)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("groups of 3");
    }

    @Test
    void distancesNeedNotBeSymmetric() {
        // Head 1 does well with the probabilities of head 0, head 0 badly with those of head 1.
        OutputDistances distances = distances(new double[][]{ { 0, 9, 9 }, { 1, 0, 9 }, { 9, 9, 0 } });

        assertThat(Medoids.cluster(distances, 2))
                .isEqualTo(HeadClusters.of(new int[]{ 0, 0, 1 }, new int[]{ 0, 2 }));
        assertThat(Medoids.cluster(distances, 3)).isEqualTo(HeadClusters.identity(3));
    }

    @Test
    void clustersAreNumberedByTheirLowestHead() {
        OutputDistances distances = distances(
                new double[][]{ { 0, 9, 9, 1 }, { 9, 0, 1, 9 }, { 9, 5, 0, 9 }, { 5, 9, 9, 0 } });

        assertThat(Medoids.cluster(distances, 2))
                .isEqualTo(HeadClusters.of(new int[]{ 0, 1, 1, 0 }, new int[]{ 3, 2 }));
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })
    void fewHeadsAreSearchedExhaustively(int numberOfClusters) {
        OutputDistances distances = random(10, numberOfClusters);
        HeadClusters clusters = Medoids.cluster(distances, numberOfClusters);

        assertThat(clusters.numberOfClusters()).isEqualTo(numberOfClusters);
        assertThat(cost(distances, clusters)).isCloseTo(lowestCost(distances, numberOfClusters), within(1e-12));
    }

    @Test
    void manyHeadsEndWhereNoExchangeHelps() {
        // Groups of four heads that are close to each other, closest to the third of them.
        double[][] rows = new double[32][32];
        for (int head = 0; head < 32; head++) {
            for (int other = 0; other < 32; other++) {
                rows[head][other] = head == other ? 0
                        : head % 8 != other % 8 ? 10 : other / 8 == 2 ? 1 : 1.5;
            }
        }
        HeadClusters clusters = Medoids.cluster(distances(rows), 8);

        assertThat(clusters.representatives()).containsExactly(16, 17, 18, 19, 20, 21, 22, 23);
        assertThat(cost(distances(rows), clusters)).isEqualTo(24);
        assertThat(Medoids.cluster(random(32, 5), 12)).isEqualTo(Medoids.cluster(random(32, 5), 12));
    }

    @Test
    void equalHeadsStillMakeAsManyClustersAsAskedFor() {
        HeadClusters clusters = Medoids.cluster(distances(new double[4][4]), 3);

        assertThat(clusters).isEqualTo(HeadClusters.of(new int[]{ 0, 1, 2, 0 }, new int[]{ 0, 1, 2 }));
    }

    @Test
    void refusesWhatMakesNoSense() {
        assertThatThrownBy(() -> Medoids.cluster(random(4, 1), 0)).hasMessageContaining("1 to 4");
        assertThatThrownBy(() -> Medoids.cluster(random(4, 1), 5)).hasMessageContaining("found 5");
        assertThatThrownBy(() -> Medoids.cluster(distances(new double[][]{ { 0, Double.NaN }, { 1, 0 } }), 1))
                .hasMessageContaining("not finite");
        assertThatThrownBy(() -> new OutputDistances(3).add(new double[4])).hasMessageContaining("expected 3 x 3");
    }

    @Test
    void theNearestHeadIsAnotherOneAndTheFirstOfEqualOnes() {
        OutputDistances distances = distances(new double[][]{ { 0, 3, 1, 1 }, { 2, 0, 2, 5 }, { 1, 1, 0, 1 },
                { 9, 9, 9, 0 } });

        assertThat(distances.nearest(0)).isEqualTo(2);
        assertThat(distances.nearest(1)).isZero();
        assertThat(distances.nearest(0, new int[]{ 3, 2 })).isEqualTo(3);
        assertThat(distances(new double[][]{ { 0 } }).nearest(0)).as("there is no other").isZero();
    }

    @Test
    void distancesReadBackAreEqual() {
        OutputDistances distances = random(4, 1);

        assertThat(OutputDistances.of(4, distances.sums()).sums()).containsExactly(distances.sums());
        assertThatThrownBy(() -> OutputDistances.of(3, distances.sums()))
                .hasMessage("16 distances, expected 3 x 3");
    }
}
