// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.context.ApplicationEventPublisher;

import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.langchain4j.ChaiEngine;

/** Guards every model that has clusters, and publishes a {@link ChaiDriftEvent} when one drifts. */
public final class ChaiDriftGuards implements DisposableBean {
    private static final Logger logger = LoggerFactory.getLogger(ChaiDriftGuards.class);

    private final Map<String, DriftGuard> guards = new LinkedHashMap<>();
    private final Map<String, Double> bounds = new LinkedHashMap<>();
    private final ApplicationEventPublisher publisher;

    /**
     * Creates guards.
     *
     * @param maxKl     the bound of the mean divergence, nats per token; empty for that of each model's profile
     * @param otherwise the bound where a profile has none; empty for none
     */
    ChaiDriftGuards(List<ChaiEngine> engines, int every, int maxTokens, Optional<Double> maxKl,
            Optional<Double> otherwise, ApplicationEventPublisher publisher) {
        this.publisher = publisher;
        for (ChaiEngine engine : engines) {
            TextModel model = engine.textModel();
            model.tokenModel().options().profile().ifPresentOrElse(profile -> {
                Optional<Double> bound = maxKl.or(profile::maxDivergence).or(() -> otherwise);
                log(engine.modelName(), bound);
                bound.ifPresent(nats -> bounds.put(engine.modelName(), nats));
                guards.put(engine.modelName(), new DriftGuard(model, every, maxTokens,
                        new Watch(engine.modelName(), bound.orElse(Double.POSITIVE_INFINITY))));
            }, () -> logger.info("chai.drift.every has no effect on {}: its attention is exact, without clusters",
                    engine.modelName()));
        }
    }

    private static void log(String model, Optional<Double> bound) {
        bound.ifPresentOrElse(
                nats -> logger.info("{} is checked for being within {} nats per token of exact attention", model, nats),
                () -> logger.info("How far {} is from exact attention is measured, and no event published: neither "
                        + "chai.drift.max-kl nor its profile has a bound", model));
    }

    /** Returns what was found out about each model that has clusters. */
    public Map<String, DriftFigures> figures() {
        Map<String, DriftFigures> figures = new LinkedHashMap<>();
        guards.forEach((model, guard) -> figures.put(model, guard.figures()));
        return figures;
    }

    /**
     * Returns the mean divergence of a model beyond which an event is published, nats per token; empty if there is no
     * bound, or no such model.
     */
    public Optional<Double> maxKl(String modelName) {
        return Optional.ofNullable(bounds.get(modelName));
    }

    /** Returns the guards by model. */
    Map<String, DriftGuard> guards() {
        return guards;
    }

    /** Publishes an event when the mean passes its bound. Belongs to one guard's thread. */
    private final class Watch implements Consumer<DriftFigures> {
        private final String model;
        private final double bound;
        private boolean isBeyond;

        Watch(String model, double bound) {
            this.model = model;
            this.bound = bound;
        }

        @Override
        public void accept(DriftFigures figures) {
            boolean wasBeyond = isBeyond;
            isBeyond = figures.meanKl() > bound;
            if (isBeyond && !wasBeyond) {
                logger.warn("Clustered attention of {} is {} nats per token from exact attention over the requests "
                        + "checked last, more than {}: calibrate it on texts like them", model, figures.meanKl(),
                        bound);
                publisher.publishEvent(new ChaiDriftEvent(ChaiDriftGuards.this, model, figures, bound));
            }
        }
    }

    @Override
    public void destroy() {
        guards.values().forEach(DriftGuard::close);
    }
}
