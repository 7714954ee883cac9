// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import io.prometheus.metrics.model.registry.PrometheusRegistry;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication.Type;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.bind.annotation.RestController;

import io.github.chaijlama.langchain4j.ChaiEngine;

/**
 * Lets routers see how busy an application is: among what Prometheus scrapes, and on request at {@code /metrics} and
 * {@code /health}.
 */
@AutoConfiguration(after = ChaiHealthAutoConfiguration.class, afterName = {
        ChaiRouterAutoConfiguration.BOOT_3 + ChaiRouterAutoConfiguration.PROMETHEUS,
        ChaiRouterAutoConfiguration.BOOT_4 + ChaiRouterAutoConfiguration.PROMETHEUS })
@ConditionalOnBean(ChaiEngine.class)
public final class ChaiRouterAutoConfiguration {
    static final String BOOT_3 = "org.springframework.boot.actuate.autoconfigure.metrics.export.prometheus.";
    static final String BOOT_4 = "org.springframework.boot.micrometer.metrics.autoconfigure.export.prometheus.";
    /** What offers the registry, by the name that it has in both packages. */
    static final String PROMETHEUS = "PrometheusMetricsExportAutoConfiguration";

    @Bean
    RouterMetrics chaiRouterMetrics(ObjectProvider<ChaiEngine> engines) {
        return new RouterMetrics(engines.orderedStream().toList());
    }

    /** Among what Prometheus scrapes. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(PrometheusRegistry.class)
    @ConditionalOnBean(PrometheusRegistry.class)
    static class Scraped {
        @Bean
        RouterCollector chaiRouterCollector(RouterMetrics metrics, PrometheusRegistry registry) {
            return new RouterCollector(metrics, registry);
        }
    }

    /** On request. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(RestController.class)
    @ConditionalOnWebApplication(type = Type.SERVLET)
    @ConditionalOnBooleanProperty("chai.openai.router-endpoints")
    static class OnRequest {
        @Bean
        RouterController chaiRouterController(RouterMetrics metrics, ChaiHealth health) {
            return new RouterController(metrics, health);
        }
    }
}
