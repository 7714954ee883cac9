// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Writes metrics in Prometheus' text format 0.0.4. */
final class PrometheusText {
    /** What an HTTP response with such a text says of itself. */
    static final String CONTENT_TYPE = "text/plain;version=0.0.4;charset=utf-8";

    private final StringBuilder text = new StringBuilder();

    private PrometheusText() {}

    static String of(List<RouterMetrics.Family> families) {
        PrometheusText writer = new PrometheusText();
        families.stream().filter(family -> !family.samples().isEmpty()).forEach(writer::write);
        return writer.text.toString();
    }

    private void write(RouterMetrics.Family family) {
        String name = switch (family.kind()) {
            case COUNTER -> family.name() + "_total";
            case INFO -> family.name() + "_info";
            case GAUGE, HISTOGRAM -> family.name();
        };
        String type = switch (family.kind()) {
            case COUNTER -> "counter";
            case INFO, GAUGE -> "gauge"; // this format has no other word
            case HISTOGRAM -> "histogram";
        };
        text.append("# HELP ").append(name).append(' ').append(family.help()).append('\n');
        text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
        family.samples().forEach(sample -> {
            switch (sample) {
                case RouterMetrics.Value value when family.kind() == RouterMetrics.Kind.INFO ->
                    line(name, value.labels(), "", "1");
                case RouterMetrics.Value value ->
                    line(name, value.labels(), "", String.valueOf(value.number()));
                case RouterMetrics.Times times -> histogram(name, times);
            }
        });
    }

    private void histogram(String name, RouterMetrics.Times times) {
        double[] bounds = times.times().bounds();
        long[] counts = times.times().counts();
        long upTo = 0;
        for (int bucket = 0; bucket < counts.length; bucket++) {
            upTo += counts[bucket];
            String bound = bucket < bounds.length ? String.valueOf(bounds[bucket]) : "+Inf";
            line(name + "_bucket", times.labels(), ",le=\"" + bound + "\"", String.valueOf(upTo));
        }
        line(name + "_sum", times.labels(), "", String.valueOf(times.times().seconds()));
        line(name + "_count", times.labels(), "", String.valueOf(upTo));
    }

    private void line(String name, Map<String, String> labels, String more, String value) {
        text.append(name).append(labels.entrySet().stream()
                .map(label -> label.getKey() + "=\"" + escaped(label.getValue()) + "\"")
                .collect(Collectors.joining(",", "{", more + "}"))).append(' ').append(value).append('\n');
    }

    private static String escaped(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }
}
