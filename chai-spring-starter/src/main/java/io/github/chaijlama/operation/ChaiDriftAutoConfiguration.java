// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.Objects;
import java.util.Optional;

import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.spring.ChaiAutoConfiguration;

/** Guards models against drift where {@code chai.drift.every} is set. */
@AutoConfiguration(after = ChaiAutoConfiguration.class)
@ConditionalOnBean(ChaiEngine.class)
@ConditionalOnProperty("chai.drift.every")
@EnableConfigurationProperties(ChaiDriftProperties.class)
public final class ChaiDriftAutoConfiguration {

    @Bean
    ChaiDriftGuards chaiDriftGuards(ObjectProvider<ChaiEngine> engines, ChaiDriftProperties properties,
            Environment environment, ApplicationEventPublisher publisher) {
        return new ChaiDriftGuards(engines.orderedStream().toList(), Objects.requireNonNull(properties.every()),
                properties.maxTokens(), Optional.ofNullable(properties.maxKl()),
                Optional.ofNullable(environment.getProperty("chai.calibration.max-kl", Double.class)), publisher);
    }

    /** With Micrometer. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(MeterBinder.class)
    static class Metrics {
        @Bean
        DriftMetrics chaiDriftMetrics(ChaiDriftGuards guards) {
            return new DriftMetrics(guards);
        }
    }
}
