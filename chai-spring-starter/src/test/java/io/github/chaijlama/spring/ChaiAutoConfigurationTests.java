// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.listener.ChatModelResponseContext;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.language.LanguageModel;
import dev.langchain4j.model.language.StreamingLanguageModel;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.annotation.ImportCandidates;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.langchain4j.ChaiChatModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.langchain4j.ChaiLanguageModel;
import io.github.chaijlama.langchain4j.ChaiStreamingChatModel;
import io.github.chaijlama.langchain4j.ChaiStreamingLanguageModel;
import io.github.chaijlama.langchain4j.ChaiTokenCountEstimator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What there is in an application, and what gives way to what it has of its own. */
class ChaiAutoConfigurationTests {
    private static final String MODEL = "chai.model.path=" + Pocket.MODEL;
    private static final String PROFILE = "chai.profile=file:" + Pocket.PROFILE;

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(ChaiAutoConfiguration.class));

    private static ChaiOptions options(ApplicationContext context) {
        return context.getBean(ChaiEngine.class).textModel().tokenModel().options();
    }

    @Test
    void isFoundBySpringBoot() {
        assertThat(ImportCandidates.load(AutoConfiguration.class, getClass().getClassLoader()))
                .contains(ChaiAutoConfiguration.class.getName());
    }

    @Test
    void offersChatModelsOnOneEngine() {
        runner.withPropertyValues(MODEL, PROFILE).run(context -> {
            assertThat(context).hasSingleBean(ChaiEngine.class).hasSingleBean(ChatModel.class)
                    .hasSingleBean(StreamingChatModel.class).hasSingleBean(ChaiTokenCountEstimator.class);
            assertThat(context.getBean("chaiChatModel")).isInstanceOf(ChaiChatModel.class);
            assertThat(context.getBean("chaiStreamingChatModel")).isInstanceOf(ChaiStreamingChatModel.class);
            assertThat(options(context).attention()).isEqualTo(AttentionMode.CLUSTERED);
            assertThat(context.getBean(ChatModel.class).chat(Pocket.QUESTION)).contains("river");
            assertThat(context.getBean(ChatModel.class).defaultRequestParameters().modelName()).isEqualTo("pocket");
        });
    }

    @Test
    void offersLanguageModelsOnTheSameEngineAndWithTheSameDefaults() {
        runner.withPropertyValues(MODEL, PROFILE, "chai.chat.max-output-tokens=3").run(context -> {
            assertThat(context).hasSingleBean(LanguageModel.class).hasSingleBean(StreamingLanguageModel.class);
            assertThat(context.getBean("chaiLanguageModel")).isInstanceOf(ChaiLanguageModel.class);
            assertThat(context.getBean("chaiStreamingLanguageModel")).isInstanceOf(ChaiStreamingLanguageModel.class);
            assertThat(context.getBean(LanguageModel.class).generate("Finn was a").tokenUsage().outputTokenCount())
                    .isEqualTo(3);
            assertThat(context.getBean(ChaiEngine.class).textModel().idleSequences()).isEqualTo(1);
        });
    }

    @Test
    void languageModelsBackOff() {
        runner.withPropertyValues(MODEL).withUserConfiguration(OwnLanguageModels.class)
                .run(context -> assertThat(context).hasSingleBean(ChaiLanguageModel.class)
                        .hasSingleBean(ChaiStreamingLanguageModel.class).hasBean("ownLanguageModel")
                        .doesNotHaveBean("chaiLanguageModel").doesNotHaveBean("chaiStreamingLanguageModel"));
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnLanguageModels {
        @Bean
        ChaiLanguageModel ownLanguageModel(ChaiEngine engine) {
            return ChaiLanguageModel.builder().engine(engine).build();
        }

        @Bean
        ChaiStreamingLanguageModel ownStreamingLanguageModel(ChaiEngine engine) {
            return ChaiStreamingLanguageModel.builder().engine(engine).build();
        }
    }

    @Test
    void closesTheEngineWithTheContext() {
        ChaiEngine[] engine = new ChaiEngine[1];
        runner.withPropertyValues(MODEL).run(context -> engine[0] = context.getBean(ChaiEngine.class));
        assertThatThrownBy(() -> engine[0].textModel().model().newSession())
                .hasMessage("the model is closed");
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnChatModel {
        @Bean
        ChaiChatModel myChatModel(ChaiEngine engine) {
            return ChaiChatModel.builder().engine(engine).maxOutputTokens(1).build();
        }
    }

    @Test
    void backsOffWhenTheApplicationDefinesAModelOfOurType() {
        runner.withPropertyValues(MODEL).withUserConfiguration(OwnChatModel.class).run(context -> {
            assertThat(context).hasSingleBean(ChaiChatModel.class).hasBean("myChatModel")
                    .doesNotHaveBean("chaiChatModel").hasBean("chaiStreamingChatModel");
        });
    }

    @Configuration(proxyBeanMethods = false)
    static class OtherChatModel {
        @Bean
        ChatModel otherModel() {
            return new ChatModel() {
                @Override
                public ChatResponse doChat(ChatRequest request) {
                    throw new UnsupportedOperationException();
                }
            };
        }
    }

    @Test
    void standsBesideChatModelsOfOtherKinds() {
        runner.withPropertyValues(MODEL).withUserConfiguration(OtherChatModel.class)
                .run(context -> assertThat(context.getBeansOfType(ChatModel.class)).containsOnlyKeys("otherModel",
                        "chaiChatModel"));
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnEngine {
        @Bean
        ChaiEngine myEngine() {
            return ChaiEngine.load(Pocket.MODEL, "mine", ChaiOptions.exact());
        }
    }

    @Test
    void usesAnEngineOfTheApplication() {
        runner.withUserConfiguration(OwnEngine.class)
                .run(context -> assertThat(context.getBean(ChatModel.class).defaultRequestParameters().modelName())
                        .isEqualTo("mine"));
    }

    @Configuration(proxyBeanMethods = false)
    static class Customizers {
        static final List<String> HEARD = new CopyOnWriteArrayList<>();

        @Bean
        ChaiOptionsCustomizer oneThread() {
            return options -> options.with(change -> change.threads(1));
        }

        @Bean
        ChatModelListener listener() {
            return new ChatModelListener() {
                @Override
                public void onResponse(ChatModelResponseContext context) {
                    HEARD.add(context.chatResponse().modelName());
                }
            };
        }
    }

    @Test
    void customizersAndListenersOfTheApplicationAreUsed() {
        runner.withPropertyValues(MODEL).withUserConfiguration(Customizers.class).run(context -> {
            assertThat(options(context).threads()).isEqualTo(1);
            context.getBean(ChatModel.class).chat("Hello!");
            assertThat(Customizers.HEARD).containsExactly("pocket");
            assertThat(context.getBean(StreamingChatModel.class).listeners()).hasSize(1);
        });
    }

    @Test
    void doesNothingWithoutLangChain4j() {
        runner.withClassLoader(new FilteredClassLoader("dev.langchain4j"))
                .run(context -> assertThat(context).doesNotHaveBean("chaiEngine"));
    }

    @Test
    void readsAModelFromADirectoryOnTheClassPath() {
        runner.withPropertyValues("chai.model.path=classpath:models/pocket",
                "chai.profile=classpath:profiles/pocket.json").run(context -> {
                    assertThat(options(context).attention()).isEqualTo(AttentionMode.CLUSTERED);
                    assertThat(context.getBean(ChaiEngine.class).modelName()).isEqualTo("pocket");
                });
    }
}
