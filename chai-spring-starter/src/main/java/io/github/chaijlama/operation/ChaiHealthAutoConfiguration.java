// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.ContextClosedEvent;

import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.spring.ChaiAutoConfiguration;

/** Watches the health of the models, and tells the actuator of either line of Spring Boot. */
@AutoConfiguration(after = ChaiAutoConfiguration.class)
@ConditionalOnBean(ChaiEngine.class)
@EnableConfigurationProperties(ChaiHealthProperties.class)
public final class ChaiHealthAutoConfiguration {

    @Bean
    @ConditionalOnMissingBean
    ChaiHealth chaiHealth(ConfigurableListableBeanFactory beans, ChaiHealthProperties properties) {
        return new ChaiHealth(() -> LoadedEngines.of(beans), properties.maxStepTime());
    }

    @Bean
    ApplicationListener<ContextClosedEvent> chaiHealthStop(ChaiHealth health, ApplicationContext context) {
        return event -> {
            if (event.getApplicationContext().equals(context)) { // and not one below it
                health.stop();
            }
        };
    }

    /** Spring Boot 3. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass({ org.springframework.boot.actuate.health.HealthIndicator.class,
            org.springframework.boot.actuate.autoconfigure.health.ConditionalOnEnabledHealthIndicator.class })
    static class Boot3 {
        @Bean
        @org.springframework.boot.actuate.autoconfigure.health.ConditionalOnEnabledHealthIndicator("chai")
        @ConditionalOnMissingBean(name = "chaiHealthIndicator")
        org.springframework.boot.actuate.health.HealthIndicator chaiHealthIndicator(ChaiHealth health) {
            return new Boot3HealthIndicator(health);
        }
    }

    /** Spring Boot 4. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass({ org.springframework.boot.health.contributor.HealthIndicator.class,
            org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator.class })
    static class Boot4 {
        @Bean
        @org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator("chai")
        @ConditionalOnMissingBean(name = "chaiHealthIndicator")
        org.springframework.boot.health.contributor.HealthIndicator chaiHealthIndicator(ChaiHealth health) {
            return new Boot4HealthIndicator(health);
        }
    }
}
