// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/** The health of the models, for actuators of Spring Boot 4, where these types have other names. */
final class Boot4HealthIndicator implements HealthIndicator {
    private final ChaiHealth health;

    Boot4HealthIndicator(ChaiHealth health) {
        this.health = health;
    }

    @Override
    public Health health() {
        ChaiHealth.State state = health.state();
        return (state.problem().isEmpty() ? Health.up() : Health.outOfService()).withDetails(state.details()).build();
    }
}
