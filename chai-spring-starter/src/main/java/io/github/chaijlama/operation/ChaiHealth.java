// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.schedule.Scheduler;
import io.github.chaijlama.schedule.SchedulerFigures;

/**
 * Whether an application can answer requests: once its models are loaded, until it begins to stop, and while no step of
 * a model takes so long that it must hang. Thread-safe.
 */
public final class ChaiHealth {
    private final Supplier<List<ChaiEngine>> loaded;
    private final Duration maxStepTime;
    private volatile boolean stopping;

    /**
     * Creates it.
     *
     * @param loaded returns the models that are loaded now
     */
    ChaiHealth(Supplier<List<ChaiEngine>> loaded, Duration maxStepTime) {
        this.loaded = loaded;
        this.maxStepTime = maxStepTime;
    }

    /**
     * What there is to say.
     *
     * @param problem why no requests are answered, empty if they are
     * @param details what each model does
     */
    public record State(Optional<String> problem, Map<String, Object> details) {}

    /** Says that the application ends; its models do not know it at once, since others may still need them. */
    void stop() {
        stopping = true;
    }

    /** Returns how it is now. */
    public State state() {
        List<ChaiEngine> engines = loaded.get();
        Optional<String> problem = stopping ? Optional.of("the application is stopping")
                : engines.stream().filter(ChaiEngine::isRefusing).findFirst().map(engine -> engine.modelName()
                        + " takes on no more requests, since the application is stopping");
        Map<String, Object> details = new LinkedHashMap<>();
        for (ChaiEngine engine : engines) {
            Optional<SchedulerFigures> figures = engine.textModel().scheduler().map(Scheduler::figures);
            details.put(engine.modelName(), figures.<Object>map(of -> Map.of("running", of.running(), "waiting",
                    of.waiting())).orElse("loaded"));
            Optional<Duration> hanging = figures.map(SchedulerFigures::currentStep)
                    .filter(step -> step.compareTo(maxStepTime) > 0);
            if (problem.isEmpty() && hanging.isPresent()) {
                problem = Optional.of("a step of " + engine.modelName() + " has taken " + hanging.get().toSeconds()
                        + " s so far, more than " + maxStepTime.toSeconds() + " s");
            }
        }
        problem.ifPresent(reason -> details.put("problem", reason));
        return new State(problem, details);
    }
}
