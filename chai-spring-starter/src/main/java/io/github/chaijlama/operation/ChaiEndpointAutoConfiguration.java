// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.autoconfigure.info.ConditionalOnEnabledInfoContributor;
import org.springframework.boot.actuate.info.InfoContributor;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.spring.ChaiAutoConfiguration;

/** Adds the models to the actuator: an endpoint of their own, and a part of {@code info}. */
@AutoConfiguration(after = ChaiAutoConfiguration.class)
@ConditionalOnClass({ ConditionalOnAvailableEndpoint.class, InfoContributor.class })
@ConditionalOnBean(ChaiEngine.class)
public final class ChaiEndpointAutoConfiguration {

    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnAvailableEndpoint
    ChaiEndpoint chaiEndpoint(ObjectProvider<ChaiEngine> engines) {
        return new ChaiEndpoint(engines.orderedStream().toList());
    }

    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnEnabledInfoContributor("chai")
    ChaiInfoContributor chaiInfoContributor(ObjectProvider<ChaiEngine> engines) {
        return new ChaiInfoContributor(engines.orderedStream().toList());
    }
}
