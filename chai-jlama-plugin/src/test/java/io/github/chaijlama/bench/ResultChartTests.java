// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.function.Function;
import java.util.stream.DoubleStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class ResultChartTests {

    @Test
    void fewTicksOfManyDecadesAreLabelled() {
        Function<Double, String> labels = ResultChart.labels(DoubleStream.of(0.1, 8000).summaryStatistics());
        assertThat(DoubleStream.of(0.1, 0.2, 0.3, 0.5, 0.9, 1, 7, 10, 20, 900, 1000, 5000).mapToObj(labels::apply))
                .containsExactly("0.1", "0.2", " ", "0.5", " ", "1", " ", "10", "20", " ", "1,000", "5,000");
    }

    @Test
    void allTicksOfOneDecadeAreLabelled() {
        Function<Double, String> labels = ResultChart.labels(DoubleStream.of(65, 85).summaryStatistics());
        assertThat(DoubleStream.of(70, 80).mapToObj(labels::apply)).containsExactly("70", "80");
    }
}
