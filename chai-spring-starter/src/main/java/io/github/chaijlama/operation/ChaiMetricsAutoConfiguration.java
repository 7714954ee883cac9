// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.spring.ChaiAutoConfiguration;

/** Offers the metrics of the models to every registry of Micrometer's that an application has. */
@AutoConfiguration(after = ChaiAutoConfiguration.class)
@ConditionalOnClass(MeterBinder.class)
@ConditionalOnBean(ChaiEngine.class)
public final class ChaiMetricsAutoConfiguration {

    @Bean
    @ConditionalOnMissingBean
    ChaiMetrics chaiMetrics(ConfigurableListableBeanFactory beans) {
        return new ChaiMetrics(() -> LoadedEngines.of(beans));
    }
}
