// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.beans.factory.DisposableBean;

import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.prefix.KvCacheFigures;
import io.github.chaijlama.schedule.Scheduler;

/**
 * Metrics of all models of an application, with the tag {@code model}. Counters and gauges read what the models count
 * anyway when somebody asks for them.
 */
public final class ChaiMetrics implements MeterBinder, DisposableBean {
    private final Supplier<List<ChaiEngine>> loaded;
    private final List<Runnable> removals = new CopyOnWriteArrayList<>();

    /**
     * Creates them.
     *
     * @param loaded returns the models that are loaded now
     */
    ChaiMetrics(Supplier<List<ChaiEngine>> loaded) {
        this.loaded = loaded;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (ChaiEngine engine : loaded.get()) {
            TextModel model = engine.textModel();
            Tags tags = Tags.of("model", engine.modelName());
            RequestMeters meters = new RequestMeters(registry, tags);
            model.addListener(meters);
            removals.add(() -> model.removeListener(meters));
            tokens(registry, model, tags);
            model.scheduler().ifPresent(scheduler -> scheduler(registry, scheduler, tags));
            if (model.kvCacheFigures().isPresent()) {
                memory(registry, model, tags);
            }
            clusters(registry, model, tags);
        }
    }

    private static void tokens(MeterRegistry registry, TextModel model, Tags tags) {
        count(registry, "chai.tokens.input", "Tokens of prompts", tags, model, of -> of.requestFigures()
                .promptTokens());
        count(registry, "chai.tokens.output", "Tokens of answers", tags, model, of -> of.requestFigures()
                .generatedTokens());
        if (model.tokenModel().options().maxIdleSequences() > 0) {
            count(registry, "chai.prefix.queries", "Tokens of prompts that were looked up among idle sequences", tags,
                    model, of -> of.requestFigures().promptTokens());
            count(registry, "chai.prefix.hits", "Tokens of prompts that idle sequences had", tags, model,
                    of -> of.requestFigures().reusedTokens());
        }
    }

    private static void scheduler(MeterRegistry registry, Scheduler scheduler, Tags tags) {
        gauge(registry, "chai.requests.running", "Requests that share steps", tags, scheduler, Scheduler::running);
        gauge(registry, "chai.requests.waiting", "Requests that wait to share steps", tags, scheduler,
                Scheduler::waiting);
        count(registry, "chai.requests.refused", "Requests that were refused, since too many were there", tags,
                scheduler, of -> of.figures().refused());
        count(registry, "chai.requests.paused", "How often a request gave way to others", tags, scheduler,
                Scheduler::pauses);
        count(registry, "chai.steps.rows", "Tokens that steps have calculated", tags, scheduler,
                of -> of.figures().rows());
        FunctionTimer.builder("chai.steps", scheduler, of -> of.figures().steps(),
                of -> of.figures().stepTime().toNanos(), TimeUnit.NANOSECONDS)
                .description("Steps of the model").tags(tags).register(registry);
    }

    private static void memory(MeterRegistry registry, TextModel model, Tags tags) {
        gauge(registry, "chai.kv.cache.used", "Memory of keys and values of requests that have not ended", "bytes",
                tags, model, of -> kvCache(of).usedBytes());
        gauge(registry, "chai.kv.cache.idle", "Memory that gives way, of keys and values kept for later requests",
                "bytes", tags, model, of -> kvCache(of).idleBytes());
        gauge(registry, "chai.kv.cache.max", "Budget of keys and values", "bytes", tags, model,
                of -> kvCache(of).maxBytes());
        gauge(registry, "chai.kv.cache.usage", "Share of the budget that is used, 0 to 1", tags, model,
                of -> kvCache(of).usage());
        gauge(registry, "chai.kv.cache.idle.sequences", "Sequences that are kept for later requests", tags, model,
                of -> kvCache(of).idleSequences());
    }

    private static KvCacheFigures kvCache(TextModel model) {
        return model.kvCacheFigures().orElseThrow();
    }

    private static void clusters(MeterRegistry registry, TextModel model, Tags tags) {
        model.tokenModel().options().profile().ifPresent(profile -> {
            for (int layer = 0; layer < profile.clusters().size(); layer++) {
                int at = layer;
                gauge(registry, "chai.attention.clusters", "Clusters of heads that a layer of clustered attention has",
                        tags.and("layer", String.valueOf(layer)), profile, of -> of.clusters().get(at));
            }
        });
    }

    private static <T> void count(MeterRegistry registry, String name, String description, Tags tags, T of,
            ToDoubleFunction<T> value) {
        FunctionCounter.builder(name, of, value).description(description).tags(tags).register(registry);
    }

    private static <T> void gauge(MeterRegistry registry, String name, String description, Tags tags, T of,
            ToDoubleFunction<T> value) {
        Gauge.builder(name, of, value).description(description).tags(tags).register(registry);
    }

    private static <T> void gauge(MeterRegistry registry, String name, String description, String unit, Tags tags,
            T of, ToDoubleFunction<T> value) {
        Gauge.builder(name, of, value).description(description).baseUnit(unit).tags(tags).register(registry);
    }

    /** Leaves the models alone, which may outlive the registry. */
    @Override
    public void destroy() {
        removals.forEach(Runnable::run);
        removals.clear();
    }
}
