// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.util.function.Supplier;

import dev.langchain4j.model.chat.listener.ChatModelListener;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.support.AutowireCandidateQualifier;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.context.annotation.ImportBeanDefinitionRegistrar;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotationMetadata;

import io.github.chaijlama.SharedResources;
import io.github.chaijlama.langchain4j.ChaiChatModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.langchain4j.ChaiLanguageModel;
import io.github.chaijlama.langchain4j.ChaiStreamingChatModel;
import io.github.chaijlama.langchain4j.ChaiStreamingLanguageModel;
import io.github.chaijlama.langchain4j.ChaiTokenCountEstimator;

/**
 * Registers beans for each of {@code chai.models}: {@code <id>Engine}, {@code <id>ChatModel},
 * {@code <id>StreamingChatModel}, {@code <id>LanguageModel}, {@code <id>StreamingLanguageModel} and
 * {@code <id>TokenCountEstimator}, all qualified by the id. One that the application defines under such a name stays.
 */
final class NamedModelsRegistrar implements ImportBeanDefinitionRegistrar {
    static final String SHARED_RESOURCES = "chaiSharedResources";

    private final Environment environment;
    private final BeanFactory beans;

    /** Creates a registrar; Spring knows both. */
    NamedModelsRegistrar(Environment environment, BeanFactory beans) {
        this.environment = environment;
        this.beans = beans;
    }

    @Override
    public void registerBeanDefinitions(AnnotationMetadata metadata, BeanDefinitionRegistry registry) {
        if (!NamedModels.areThere(environment)) {
            return;
        }
        register(registry, SHARED_RESOURCES, SharedResources.class,
                () -> ChaiOptionsFactory.shared(beans.getBean(ChaiProperties.class)));
        for (String id : NamedModels.ids(environment)) {
            ChaiProperties properties = NamedModels.properties(environment, id);
            register(registry, id, "Engine", ChaiEngine.class,
                    () -> beans.getBean(EngineLoader.class).load(id, properties));
            Supplier<ChaiEngine> engine = () -> beans.getBean(id + "Engine", ChaiEngine.class);
            ChaiProperties.Chat chat = properties.chat();
            register(registry, id, "ChatModel", ChaiChatModel.class,
                    () -> chat.applyToChat(ChaiChatModel.builder()).engine(engine.get())
                            .listeners(beans.getBeanProvider(ChatModelListener.class).orderedStream().toList())
                            .build());
            register(registry, id, "StreamingChatModel", ChaiStreamingChatModel.class,
                    () -> chat.applyToChat(ChaiStreamingChatModel.builder()).engine(engine.get())
                            .listeners(beans.getBeanProvider(ChatModelListener.class).orderedStream().toList())
                            .build());
            register(registry, id, "LanguageModel", ChaiLanguageModel.class,
                    () -> chat.applyTo(ChaiLanguageModel.builder()).engine(engine.get()).build());
            register(registry, id, "StreamingLanguageModel", ChaiStreamingLanguageModel.class,
                    () -> chat.applyTo(ChaiStreamingLanguageModel.builder()).engine(engine.get()).build());
            register(registry, id, "TokenCountEstimator", ChaiTokenCountEstimator.class,
                    () -> new ChaiTokenCountEstimator(engine.get()));
        }
    }

    private static <T> void register(BeanDefinitionRegistry registry, String id, String kind, Class<T> type,
            Supplier<T> supplier) {
        RootBeanDefinition definition = register(registry, id + kind, type, supplier);
        definition.addQualifier(new AutowireCandidateQualifier(Qualifier.class, id));
        definition.setDependsOn(kind.equals("Engine") ? SHARED_RESOURCES : id + "Engine");
    }

    private static <T> RootBeanDefinition register(BeanDefinitionRegistry registry, String name, Class<T> type,
            Supplier<T> supplier) {
        RootBeanDefinition definition = new RootBeanDefinition(type, supplier);
        definition.setDestroyMethodName("close");
        if (!registry.containsBeanDefinition(name)) {
            registry.registerBeanDefinition(name, definition);
        }
        return definition;
    }
}
