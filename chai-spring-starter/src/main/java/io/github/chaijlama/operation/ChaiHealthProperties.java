// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.time.Duration;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;

/**
 * When the application says that it cannot answer requests.
 *
 * @param maxStepTime Longest that a step of a model may take. Beyond that the model is taken to hang, and the
 *                    application is out of service until the step has ended.
 */
@ConfigurationProperties("chai.health")
public record ChaiHealthProperties(@DefaultValue("2m") Duration maxStepTime) {

    public ChaiHealthProperties {
        if (!maxStepTime.isPositive()) {
            throw new InvalidConfigurationPropertyValueException("chai.health.max-step-time", maxStepTime,
                    "Must be more than 0.");
        }
    }
}
