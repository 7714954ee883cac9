// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.List;
import java.util.Map;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import org.springframework.beans.factory.DisposableBean;

/**
 * Adds what routers read to what Prometheus scrapes of an application. A collector of the Prometheus client itself:
 * Micrometer has no metric of the kind info, nor names that are anything but its own conventions'.
 */
final class RouterCollector implements MultiCollector, DisposableBean {
    private final RouterMetrics metrics;
    private final PrometheusRegistry registry;

    RouterCollector(RouterMetrics metrics, PrometheusRegistry registry) {
        this.metrics = metrics;
        this.registry = registry;
        registry.register(this);
    }

    @Override
    public MetricSnapshots collect() {
        MetricSnapshots.Builder all = MetricSnapshots.builder();
        metrics.families().stream().filter(family -> !family.samples().isEmpty())
                .forEach(family -> all.metricSnapshot(snapshot(family)));
        return all.build();
    }

    private static MetricSnapshot snapshot(RouterMetrics.Family family) {
        return switch (family.kind()) {
            case COUNTER -> {
                CounterSnapshot.Builder counter = CounterSnapshot.builder().name(family.name()).help(family.help());
                values(family).forEach(value -> counter.dataPoint(CounterSnapshot.CounterDataPointSnapshot.builder()
                        .labels(labels(value.labels())).value(value.number()).build()));
                yield counter.build();
            }
            case GAUGE -> {
                GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(family.name()).help(family.help());
                values(family).forEach(value -> gauge.dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
                        .labels(labels(value.labels())).value(value.number()).build()));
                yield gauge.build();
            }
            case INFO -> {
                InfoSnapshot.Builder info = InfoSnapshot.builder().name(family.name()).help(family.help());
                values(family).forEach(value -> info.dataPoint(InfoSnapshot.InfoDataPointSnapshot.builder()
                        .labels(labels(value.labels())).build()));
                yield info.build();
            }
            case HISTOGRAM -> {
                HistogramSnapshot.Builder histogram = HistogramSnapshot.builder().name(family.name())
                        .help(family.help());
                family.samples().stream().filter(RouterMetrics.Times.class::isInstance)
                        .map(RouterMetrics.Times.class::cast).forEach(times -> histogram.dataPoint(point(times)));
                yield histogram.build();
            }
        };
    }

    private static List<RouterMetrics.Value> values(RouterMetrics.Family family) {
        return family.samples().stream().filter(RouterMetrics.Value.class::isInstance)
                .map(RouterMetrics.Value.class::cast).toList();
    }

    private static HistogramSnapshot.HistogramDataPointSnapshot point(RouterMetrics.Times times) {
        ClassicHistogramBuckets.Builder buckets = ClassicHistogramBuckets.builder();
        double[] bounds = times.times().bounds();
        long[] counts = times.times().counts();
        for (int bucket = 0; bucket < counts.length; bucket++) {
            buckets.bucket(bucket < bounds.length ? bounds[bucket] : Double.POSITIVE_INFINITY, counts[bucket]);
        }
        return HistogramSnapshot.HistogramDataPointSnapshot.builder().labels(labels(times.labels()))
                .classicHistogramBuckets(buckets.build()).sum(times.times().seconds()).build();
    }

    private static Labels labels(Map<String, String> labels) {
        Labels.Builder all = Labels.builder();
        labels.forEach(all::label);
        return all.build();
    }

    @Override
    public void destroy() {
        registry.unregister(this);
    }
}
