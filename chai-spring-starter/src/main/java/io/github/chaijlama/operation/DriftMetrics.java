// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;

/** Metrics of the guards. */
final class DriftMetrics implements MeterBinder {
    private final ChaiDriftGuards guards;

    DriftMetrics(ChaiDriftGuards guards) {
        this.guards = guards;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        guards.guards().forEach((model, guard) -> {
            Tags tags = Tags.of("model", model);
            Gauge.builder("chai.drift.kl", guard, of -> of.figures().meanKl())
                    .description("Mean divergence of clustered from exact attention over the requests checked last, "
                            + "nats per token")
                    .tags(tags).register(registry);
            Gauge.builder("chai.drift.agreement", guard, of -> of.figures().agreement())
                    .description("Share of their tokens at which both expected the same token most").tags(tags)
                    .register(registry);
            FunctionCounter.builder("chai.drift.checked", guard, of -> of.figures().checked())
                    .description("Requests checked against exact attention").tags(tags).register(registry);
            FunctionCounter.builder("chai.drift.dropped", guard, of -> of.figures().dropped())
                    .description("Requests that were not checked, since others came or memory was short").tags(tags)
                    .register(registry);
        });
    }
}
