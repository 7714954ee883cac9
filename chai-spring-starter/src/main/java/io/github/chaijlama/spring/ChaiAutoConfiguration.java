// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.util.Objects;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.core.io.ResourceLoader;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.langchain4j.ChaiChatModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.langchain4j.ChaiLanguageModel;
import io.github.chaijlama.langchain4j.ChaiStreamingChatModel;
import io.github.chaijlama.langchain4j.ChaiStreamingLanguageModel;
import io.github.chaijlama.langchain4j.ChaiTokenCountEstimator;
import io.github.chaijlama.schedule.SchedulerLimits;

/**
 * Loads one model and offers it as blocking and as streaming LangChain4j chat model, and as language models that
 * continue a text. Each bean backs off when the application defines one of its own type; other chat models may stand
 * beside them.
 */
@AutoConfiguration
@ConditionalOnClass(ChatModel.class)
@EnableConfigurationProperties(ChaiProperties.class)
public final class ChaiAutoConfiguration {

    @Bean
    @ConditionalOnMissingBean
    ChaiEngine chaiEngine(ChaiProperties properties, ObjectProvider<ChaiOptionsCustomizer> customizers,
            ResourceLoader resourceLoader, Environment environment) {
        if (!KernelProvider.isVectorModulePresent()) {
            throw new MissingVectorModuleException();
        }
        ModelLocation location = ModelLocation.of(properties.model());
        ChaiOptionsFactory factory = new ChaiOptionsFactory(properties, resourceLoader);
        ChaiOptionsFactory.requirePossible(properties.chat()); // before the time it takes to download and load a model
        ChaiOptions options = factory.create();
        SchedulerLimits limits = factory.limits();
        ModelDirectory directory = location.directory(resourceLoader, environment::getProperty);
        String name = Objects.requireNonNullElse(properties.model().name(), directory.name());
        try {
            if (factory.needsCalibration()) {
                options = factory.clustered(options, factory.calibration().profile(directory.path(), options));
            }
            for (ChaiOptionsCustomizer customizer : customizers.orderedStream().toList()) {
                options = customizer.customize(options);
            }
            return ChaiEngine.load(directory.path(), name, options, limits, directory::deleteIfTemporary);
        } catch (RuntimeException | Error e) {
            directory.deleteIfTemporary();
            throw e;
        }
    }

    @Bean
    @ConditionalOnMissingBean
    EngineLifecycle chaiEngineLifecycle(ConfigurableListableBeanFactory beans) {
        return new EngineLifecycle(beans);
    }

    @Bean
    @ConditionalOnMissingBean
    ChaiChatModel chaiChatModel(ChaiEngine engine, ChaiProperties properties,
            ObjectProvider<ChatModelListener> listeners) {
        return properties.chat().applyToChat(ChaiChatModel.builder()).engine(engine)
                .listeners(listeners.orderedStream().toList()).build();
    }

    @Bean
    @ConditionalOnMissingBean
    ChaiStreamingChatModel chaiStreamingChatModel(ChaiEngine engine, ChaiProperties properties,
            ObjectProvider<ChatModelListener> listeners) {
        return properties.chat().applyToChat(ChaiStreamingChatModel.builder()).engine(engine)
                .listeners(listeners.orderedStream().toList()).build();
    }

    @Bean
    @ConditionalOnMissingBean
    ChaiLanguageModel chaiLanguageModel(ChaiEngine engine, ChaiProperties properties) {
        return properties.chat().applyTo(ChaiLanguageModel.builder()).engine(engine).build();
    }

    @Bean
    @ConditionalOnMissingBean
    ChaiStreamingLanguageModel chaiStreamingLanguageModel(ChaiEngine engine, ChaiProperties properties) {
        return properties.chat().applyTo(ChaiStreamingLanguageModel.builder()).engine(engine).build();
    }

    @Bean
    @ConditionalOnMissingBean
    ChaiTokenCountEstimator chaiTokenCountEstimator(ChaiEngine engine) {
        return new ChaiTokenCountEstimator(engine);
    }
}
