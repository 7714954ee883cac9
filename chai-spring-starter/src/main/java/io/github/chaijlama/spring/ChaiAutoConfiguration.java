// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;
import org.springframework.core.io.ResourceLoader;

import io.github.chaijlama.SharedResources;
import io.github.chaijlama.langchain4j.ChaiChatModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.langchain4j.ChaiLanguageModel;
import io.github.chaijlama.langchain4j.ChaiStreamingChatModel;
import io.github.chaijlama.langchain4j.ChaiStreamingLanguageModel;
import io.github.chaijlama.langchain4j.ChaiTokenCountEstimator;

/**
 * Loads one model and offers it as blocking and as streaming LangChain4j chat model, and as language models that
 * continue a text. Each bean backs off when the application defines one of its own type; other chat models may stand
 * beside them, and those of {@code chai.models}: parameters are named like the bean that is meant then.
 */
@AutoConfiguration
@ConditionalOnClass(ChatModel.class)
@EnableConfigurationProperties(ChaiProperties.class)
@Import(NamedModelsRegistrar.class)
public final class ChaiAutoConfiguration {

    @Bean
    @ConditionalOnSingleModel
    @ConditionalOnMissingBean
    ChaiEngine chaiEngine(ChaiProperties properties, EngineLoader loader) {
        return loader.load(properties);
    }

    @Bean
    @ConditionalOnMissingBean
    EngineLoader chaiEngineLoader(ObjectProvider<ChaiOptionsCustomizer> customizers, ResourceLoader resourceLoader,
            Environment environment, ObjectProvider<SharedResources> shared) {
        return new EngineLoader(customizers, resourceLoader, environment, shared);
    }

    @Bean
    @ConditionalOnMissingBean
    EngineLifecycle chaiEngineLifecycle(ConfigurableListableBeanFactory beans) {
        return new EngineLifecycle(beans);
    }

    @Bean
    @ConditionalOnSingleModel
    @ConditionalOnMissingBean
    ChaiChatModel chaiChatModel(ChaiEngine chaiEngine, ChaiProperties properties,
            ObjectProvider<ChatModelListener> listeners) {
        return properties.chat().applyToChat(ChaiChatModel.builder()).engine(chaiEngine)
                .listeners(listeners.orderedStream().toList()).build();
    }

    @Bean
    @ConditionalOnSingleModel
    @ConditionalOnMissingBean
    ChaiStreamingChatModel chaiStreamingChatModel(ChaiEngine chaiEngine, ChaiProperties properties,
            ObjectProvider<ChatModelListener> listeners) {
        return properties.chat().applyToChat(ChaiStreamingChatModel.builder()).engine(chaiEngine)
                .listeners(listeners.orderedStream().toList()).build();
    }

    @Bean
    @ConditionalOnSingleModel
    @ConditionalOnMissingBean
    ChaiLanguageModel chaiLanguageModel(ChaiEngine chaiEngine, ChaiProperties properties) {
        return properties.chat().applyTo(ChaiLanguageModel.builder()).engine(chaiEngine).build();
    }

    @Bean
    @ConditionalOnSingleModel
    @ConditionalOnMissingBean
    ChaiStreamingLanguageModel chaiStreamingLanguageModel(ChaiEngine chaiEngine, ChaiProperties properties) {
        return properties.chat().applyTo(ChaiStreamingLanguageModel.builder()).engine(chaiEngine).build();
    }

    @Bean
    @ConditionalOnSingleModel
    @ConditionalOnMissingBean
    ChaiTokenCountEstimator chaiTokenCountEstimator(ChaiEngine chaiEngine) {
        return new ChaiTokenCountEstimator(chaiEngine);
    }
}
