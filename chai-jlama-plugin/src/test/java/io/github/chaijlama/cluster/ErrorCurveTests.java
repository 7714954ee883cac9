// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cluster;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

class ErrorCurveTests {
    private static final double MAX_RESIDUAL = 0.1;

    /** Heads in blocks: the heads of a block point into one direction, up to a little noise. */
    private static HeadGram blocks(int heads, int blocks, double noise) {
        Random random = new Random(11);
        double[][] features = new double[heads][64];
        for (int head = 0; head < heads; head++) {
            features[head][head % blocks] = 1;
            for (int i = blocks; i < features[head].length; i++) {
                features[head][i] = noise * random.nextGaussian();
            }
        }
        HeadGram gram = new HeadGram(heads);
        gram.append(features);
        return gram;
    }

    private static ErrorCurve curve(HeadGram gram) {
        return new ErrorCurve(Arrays.stream(ErrorCurve.measure(gram, 10, 1)).boxed().toList(), gram.energy());
    }

    @Test
    void blocksOfHeadsHaveTheirElbowAtTheNumberOfBlocks() {
        for (int blocks : new int[]{ 2, 3, 5 }) {
            ErrorCurve curve = curve(blocks(16, blocks, 0.01));

            assertThat(curve.elbow()).isEqualTo(blocks);
            assertThat(curve.clusters(MAX_RESIDUAL)).isEqualTo(blocks);
        }
    }

    @Test
    void headsWithNothingInCommonKeepTheirOwnClusters() {
        ErrorCurve curve = curve(blocks(16, 16, 0.01));

        assertThat(curve.clusters(MAX_RESIDUAL)).isEqualTo(16);
    }

    @Test
    void equalHeadsNeedOneCluster() {
        HeadGram gram = new HeadGram(4);
        gram.append(new double[][]{ { 1, 2 }, { 1, 2 }, { 1, 2 }, { 1, 2 } });
        ErrorCurve curve = new ErrorCurve(List.of(0.0, 0.0, 0.0, 0.0), gram.energy());

        assertThat(curve.clusters(MAX_RESIDUAL)).isEqualTo(1);
        assertThat(curve(gram).residual(1)).isCloseTo(0, within(1e-12));
    }

    @Test
    void aSingleHeadIsItsOwnCluster() {
        assertThat(curve(blocks(1, 1, 0)).clusters(MAX_RESIDUAL)).isEqualTo(1);
    }

    @Test
    void errorsNeverRiseAndEndAtZero() {
        double[] errors = ErrorCurve.measure(blocks(12, 5, 0.3), 3, 7);

        assertThat(errors).hasSize(12);
        assertThat(errors[11]).isZero();
        for (int k = 1; k < errors.length; k++) {
            assertThat(errors[k]).isLessThanOrEqualTo(errors[k - 1]);
        }
        assertThat(ErrorCurve.measure(blocks(12, 5, 0.3), 3, 7)).containsExactly(errors);
    }

    @Test
    void oneClusterLeavesTheVarianceOfTheFeatures() {
        HeadGram gram = new HeadGram(3);
        gram.append(new double[][]{ { 0, 0 }, { 3, 0 }, { 0, 3 } });

        assertThat(ErrorCurve.measure(gram, 1, 1)[0]).isCloseTo(12, within(1e-12));
        assertThat(ErrorCurve.measure(gram, 5, 1)[1]).isCloseTo(4.5, within(1e-12));
        assertThat(gram.energy()).isEqualTo(18);
    }

    @Test
    void sumsOfNormalizedProductsHaveTheMeanOfTheDistances() {
        HeadGram first = blocks(4, 2, 0.1);
        HeadGram second = blocks(4, 3, 0.5);
        HeadGram sum = first.normalized();
        sum.add(second.normalized());

        assertThat(sum.cosineDistance(0, 3))
                .isCloseTo((first.cosineDistance(0, 3) + second.cosineDistance(0, 3)) / 2, within(1e-12));
        assertThatThrownBy(() -> sum.add(new HeadGram(5))).hasMessageContaining("5 heads, expected 4");
    }

    @Test
    void productsReadBackAreEqual() {
        HeadGram gram = blocks(4, 2, 0.1);

        assertThat(HeadGram.of(4, gram.products()).products()).containsExactly(gram.products());
        assertThatThrownBy(() -> HeadGram.of(3, gram.products())).hasMessageContaining("16 products, expected 3 x 3");
    }

    @Test
    void headByHeadTheProductsAreTheSame() {
        double[][] values = { { 1, 2, 3, 4, 5, 9 }, { 2, 0, 1, 0, 3, 9 }, { 0.5, 1, 0, 2, 2, 9 } };
        HeadGram byHead = new HeadGram(3);
        for (int head : new int[]{ 2, 0, 1 }) {
            byHead.append(head, values, 5);
        }
        HeadGram whole = new HeadGram(3);
        whole.append(Arrays.stream(values).map(row -> Arrays.copyOf(row, 5)).toArray(double[][]::new));

        assertThat(byHead.products()).containsExactly(whole.products());
    }
}
