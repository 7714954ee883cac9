// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;

/**
 * How requests with clustered attention are checked against exact attention after they were answered.
 *
 * @param every     Which of the requests are checked: 100 is every hundredth. By default none.
 * @param maxTokens Most tokens of a request that are looked at, from its beginning.
 * @param maxKl     Largest mean divergence from exact attention that is as it should be, nats per token; beyond it an
 *                  event is published. By default the divergence within which the profile was calibrated, or else
 *                  chai.calibration.max-kl; without either there is no event.
 */
@ConfigurationProperties("chai.drift")
public record ChaiDriftProperties(@Nullable Integer every, @DefaultValue("512") int maxTokens,
        @Nullable Double maxKl) {

    public ChaiDriftProperties {
        require(every == null || every > 0, "every", every, "Must be at least 1 request.");
        require(maxTokens > 1, "max-tokens", maxTokens, "Must be at least 2 tokens.");
        require(maxKl == null || maxKl > 0 && maxKl < Double.POSITIVE_INFINITY, "max-kl", maxKl,
                "Must be more than 0 nats per token.");
    }

    private static void require(boolean possible, String property, @Nullable Object value, String reason) {
        if (!possible) {
            throw new InvalidConfigurationPropertyValueException("chai.drift." + property, value, reason);
        }
    }
}
