// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;

/** The health of the models, for actuators of Spring Boot 3. */
final class Boot3HealthIndicator implements HealthIndicator {
    private final ChaiHealth health;

    Boot3HealthIndicator(ChaiHealth health) {
        this.health = health;
    }

    @Override
    public Health health() {
        ChaiHealth.State state = health.state();
        return (state.problem().isEmpty() ? Health.up() : Health.outOfService()).withDetails(state.details()).build();
    }
}
