// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

import org.springframework.beans.factory.DisposableBean;

import io.github.chaijlama.generate.RequestListener;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.prefix.KvCacheFigures;
import io.github.chaijlama.schedule.Scheduler;

/**
 * What routers in front of several replicas read of each, under the names and with the meaning that vLLM gives it.
 * Thread-safe.
 */
final class RouterMetrics implements DisposableBean {
    /** The bounds of vLLM's histogram of the same name, in seconds. */
    private static final double[] FIRST_TOKEN_BOUNDS = { 0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5,
            0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560 };

    /** By name: of two models of the same name a router could not tell which is which. */
    private final Map<String, Watched> models = new LinkedHashMap<>();

    RouterMetrics(List<ChaiEngine> engines) {
        engines.forEach(engine -> models.computeIfAbsent(engine.modelName(), _ -> new Watched(engine.textModel())));
    }

    /** What kind of metric it is. */
    enum Kind {
        COUNTER, GAUGE, INFO, HISTOGRAM
    }

    /**
     * A metric with its values for all models.
     *
     * @param name without the {@code _total} or {@code _info} that its kind adds in a text
     */
    record Family(String name, Kind kind, String help, List<Sample> samples) {}

    /** A value with what tells it from others. */
    sealed interface Sample {
        /** Returns the labels by name. */
        Map<String, String> labels();
    }

    /** A number. */
    record Value(Map<String, String> labels, double number) implements Sample {}

    /** A histogram. */
    record Times(Map<String, String> labels, TimeHistogram times) implements Sample {}

    /** Returns what there is to say now. */
    List<Family> families() {
        return List.of(
                new Family("vllm:num_requests_running", Kind.GAUGE, "Requests that share steps",
                        scheduled(Scheduler::running)),
                new Family("vllm:num_requests_waiting", Kind.GAUGE, "Requests that wait to share steps",
                        scheduled(Scheduler::waiting)),
                new Family("vllm:kv_cache_usage_perc", Kind.GAUGE,
                        "Share of the budget of keys and values that is used, 1 is all of it; what is kept for later "
                                + "requests gives way and does not count",
                        values((labels, of) -> of.model.kvCacheFigures().stream()
                                .map(figures -> new Value(labels, figures.usage())))),
                new Family("vllm:cache_config", Kind.INFO, "Tokens of a block, and blocks that the budget holds",
                        values(RouterMetrics::cacheConfig)),
                new Family("vllm:prefix_cache_queries", Kind.COUNTER,
                        "Tokens of prompts that were looked up among idle sequences",
                        values((labels, of) -> of.prefixTokens(labels, of.model.requestFigures().promptTokens()))),
                new Family("vllm:prefix_cache_hits", Kind.COUNTER, "Tokens of prompts that idle sequences had",
                        values((labels, of) -> of.prefixTokens(labels, of.model.requestFigures().reusedTokens()))),
                new Family("vllm:time_to_first_token_seconds", Kind.HISTOGRAM,
                        "From the coming of a request to the first token of its answer",
                        values((labels, of) -> Stream.of(new Times(labels, of.firstTokens)))));
    }

    /** What a model says under a name, if anything. */
    private interface Reading {
        Stream<? extends Sample> read(Map<String, String> labels, Watched of);
    }

    /** What a scheduler says. */
    private interface SchedulerReading {
        int read(Scheduler scheduler);
    }

    private List<Sample> scheduled(SchedulerReading reading) {
        return values((labels, of) -> of.model.scheduler().stream()
                .map(scheduler -> new Value(labels, reading.read(scheduler))));
    }

    private List<Sample> values(Reading reading) {
        return models.entrySet().stream().<Sample>flatMap(
                model -> reading.read(Map.of("model_name", model.getKey()), model.getValue())).toList();
    }

    private static Stream<Sample> cacheConfig(Map<String, String> labels, Watched of) {
        return of.model.kvCacheFigures().stream().map(figures -> new Value(withBlocks(labels, figures), 1));
    }

    private static Map<String, String> withBlocks(Map<String, String> labels, KvCacheFigures figures) {
        Map<String, String> all = new TreeMap<>(labels);
        all.put("block_size", String.valueOf(figures.pageTokens()));
        all.put("num_gpu_blocks", String.valueOf(figures.pagesPerHead()));
        return all;
    }

    @Override
    public void destroy() {
        models.values().forEach(of -> of.model.removeListener(of));
    }

    /** One model with what is kept of it. */
    private static final class Watched implements RequestListener {
        private final TextModel model;
        private final TimeHistogram firstTokens = new TimeHistogram(FIRST_TOKEN_BOUNDS);

        Watched(TextModel model) {
            this.model = model;
            model.addListener(this);
        }

        /** Returns nothing looked up where nothing is kept, as vLLM does without a prefix cache. */
        Stream<Sample> prefixTokens(Map<String, String> labels, long tokens) {
            return Stream.of(new Value(labels, model.tokenModel().options().maxIdleSequences() > 0 ? tokens : 0));
        }

        @Override
        public void onFirstToken(Duration sinceStart) {
            firstTokens.add(sinceStart);
        }
    }
}
