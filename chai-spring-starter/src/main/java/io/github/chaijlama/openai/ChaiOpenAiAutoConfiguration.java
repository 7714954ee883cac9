// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.web.servlet.DispatcherServlet;

/** Serves an application's models as OpenAI's API would, if it is a servlet application that wants this. */
@AutoConfiguration
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@ConditionalOnClass(DispatcherServlet.class)
@ConditionalOnProperty("chai.openai.enabled")
@EnableConfigurationProperties(ChaiOpenAiProperties.class)
public final class ChaiOpenAiAutoConfiguration {

    @Bean
    @ConditionalOnMissingBean
    ServedModels chaiServedModels(ListableBeanFactory beans) {
        return new BeanModels(beans);
    }

    @Bean
    Gate chaiOpenAiGate(ApplicationContext context, ChaiOpenAiProperties properties) {
        return new Gate(context, properties);
    }

    @Bean
    OpenAiController chaiOpenAiController(ServedModels models, Gate gate, ChaiOpenAiProperties properties) {
        return new OpenAiController(models, gate, properties.keepAlive());
    }
}
