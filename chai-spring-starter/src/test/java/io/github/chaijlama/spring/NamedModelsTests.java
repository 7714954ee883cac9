// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import dev.langchain4j.model.TokenCountEstimator;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.language.LanguageModel;
import dev.langchain4j.model.language.StreamingLanguageModel;
import dev.langchain4j.service.spring.AiService;
import dev.langchain4j.service.spring.AiServiceWiringMode;
import dev.langchain4j.service.spring.AiServicesAutoConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.support.BeanDefinitionRegistryPostProcessor;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.SharedResources;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.langchain4j.ChaiChatModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.langchain4j.ChaiStreamingChatModel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Several models side by side. */
class NamedModelsTests {
    private static final String A = "chai.models.first.path=" + Pocket.MODEL;
    private static final String B = "chai.models.other-one.path=" + Pocket.MODEL;

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(ChaiAutoConfiguration.class)).withPropertyValues(A, B);

    private static ChaiOptions options(ApplicationContext context, String id) {
        return context.getBean(id + "Engine", ChaiEngine.class).textModel().tokenModel().options();
    }

    @Test
    void eachHasBeansOfItsOwnAndNoneIsThere() {
        runner.run(context -> {
            assertThat(context).hasNotFailed().getBeanNames(ChaiEngine.class).containsExactly("firstEngine",
                    "other-oneEngine");
            for (String id : List.of("first", "other-one")) {
                assertThat(context.getBean(id + "ChatModel")).isInstanceOf(ChatModel.class);
                assertThat(context.getBean(id + "StreamingChatModel")).isInstanceOf(StreamingChatModel.class);
                assertThat(context.getBean(id + "LanguageModel")).isInstanceOf(LanguageModel.class);
                assertThat(context.getBean(id + "StreamingLanguageModel"))
                        .isInstanceOf(StreamingLanguageModel.class);
                assertThat(context.getBean(id + "TokenCountEstimator")).isInstanceOf(TokenCountEstimator.class);
            }
            assertThat(context.getBean("firstChatModel", ChatModel.class).chat(Pocket.QUESTION)).contains("river");
        });
    }

    @Test
    void oneModelThereIsFoundByItsType() {
        new ApplicationContextRunner().withConfiguration(AutoConfigurations.of(ChaiAutoConfiguration.class))
                .withPropertyValues(A).run(context -> assertThat(context).hasSingleBean(ChaiChatModel.class)
                        .hasSingleBean(ChaiStreamingChatModel.class).hasBean("firstChatModel"));
    }

    @Configuration(proxyBeanMethods = false)
    static class Users {
        /** What an application injects. */
        record Injected(ChatModel first, ChatModel other, StreamingChatModel streaming) {}

        @Bean
        Injected injected(@Qualifier("first") ChatModel first, @Qualifier("other-one") ChatModel other,
                @Qualifier("other-one") StreamingChatModel streaming) {
            return new Injected(first, other, streaming);
        }
    }

    @Test
    void theQualifierIsTheId() {
        runner.withUserConfiguration(Users.class).run(context -> {
            assertThat(context).hasNotFailed();
            Users.Injected injected = context.getBean(Users.Injected.class);
            assertThat(injected.first()).isSameAs(context.getBean("firstChatModel"));
            assertThat(injected.other()).isSameAs(context.getBean("other-oneChatModel"));
            assertThat(injected.streaming()).isSameAs(context.getBean("other-oneStreamingChatModel"));
        });
    }

    /** Answers with one of the models. */
    @AiService(wiringMode = AiServiceWiringMode.EXPLICIT, chatModel = "other-oneChatModel")
    interface Assistant {
        String ask(String question);
    }

    @Test
    void anAiServiceNamesItsModel() {
        runner.withPropertyValues("chai.models.other-one.chat.max-output-tokens=2")
                .withConfiguration(AutoConfigurations.of(AiServicesAutoConfig.class))
                .withUserConfiguration(Assistants.class).run(context -> {
                    assertThat(context).hasNotFailed();
                    assertThat(context.getBean(Assistant.class).ask("Hello!").split(" ")).hasSizeLessThan(4);
                });
    }

    @Configuration(proxyBeanMethods = false)
    static class Assistants {
        @Bean
        static BeanDefinitionRegistryPostProcessor registration() { // as its scanner finds it
            return registry -> registry.registerBeanDefinition("assistant", new RootBeanDefinition(Assistant.class));
        }
    }

    @Test
    void itsOwnSettingsComeBeforeThoseForAllWhereverTheyAreSet() {
        runner.withPropertyValues("chai.chat.temperature=0.75", "chai.chat.top-k=9", "chai.kv-cache.type=bf16",
                "chai.model.weights=q4", "chai.models.first.name=little",
                "chai.models.first.kv-cache.type=i8", "chai.models.first.weights=stored",
                "chai.models.first.profile=" + Pocket.PROFILE, "chai.models.first.scheduler.max-concurrent=3",
                "chai.models.first.chat.stop-sequences=END,STOP")
                .withSystemProperties("chai.models.first.chat.temperature=0.25") // they count less than the others
                .run(context -> {
                    assertThat(context).hasNotFailed();
                    var first = context.getBean("firstChatModel", ChatModel.class).defaultRequestParameters();
                    var other = context.getBean("other-oneChatModel", ChatModel.class).defaultRequestParameters();
                    assertThat(first.temperature()).isEqualTo(0.25);
                    assertThat(other.temperature()).isEqualTo(0.75);
                    assertThat(first.topK()).isEqualTo(9);
                    assertThat(first.stopSequences()).containsExactly("END", "STOP");
                    assertThat(other.stopSequences()).isEmpty();
                    assertThat(first.modelName()).isEqualTo("little");
                    assertThat(other.modelName()).isEqualTo("pocket");
                    assertThat(options(context, "first").kvCacheType()).isEqualTo(KvType.I8);
                    assertThat(options(context, "other-one").kvCacheType()).isEqualTo(KvType.BF16);
                    assertThat(options(context, "first").weights()).isEqualTo(WeightType.STORED);
                    assertThat(options(context, "other-one").weights()).isEqualTo(WeightType.Q4);
                    assertThat(options(context, "first").attention()).isEqualTo(AttentionMode.CLUSTERED);
                    assertThat(options(context, "other-one").attention()).isEqualTo(AttentionMode.EXACT);
                    assertThat(context.getBean("firstEngine", ChaiEngine.class).textModel().scheduler()
                            .orElseThrow().limits().maxConcurrent()).isEqualTo(3);
                });
    }

    @Test
    void threadsAndMemoryAreForAllTogether() {
        runner.withPropertyValues("chai.threads=2", "chai.kv-cache.max-memory=8MB").run(context -> {
            SharedResources shared = context.getBean(SharedResources.class);
            assertThat(shared.threads()).isEqualTo(2);
            assertThat(shared.kvBudget().maxBytes()).isEqualTo(8L << 20);
            for (String id : List.of("first", "other-one")) {
                assertThat(options(context, id).threads()).isEqualTo(2);
                assertThat(context.getBean(id + "Engine", ChaiEngine.class).textModel().model().kvBudget())
                        .isSameAs(shared.kvBudget());
            }
        });
    }

    /** One request's keys and values nearly fill the budget: models take turns, and none fails. */
    @Test
    void modelsThatAreShortOfMemoryTogetherAnswerAsAlone() {
        String question = "Tell me a story about a fox named Ruby.";
        String[] alone = new String[1];
        runner.run(context -> alone[0] = context.getBean("firstChatModel", ChatModel.class).chat(question));
        runner.withPropertyValues("chai.kv-cache.max-memory=1800KB").run(context -> {
            List<Callable<String>> clients = new ArrayList<>();
            for (int client = 0; client < 8; client++) {
                ChatModel model = context.getBean(client % 2 == 0 ? "firstChatModel" : "other-oneChatModel",
                        ChatModel.class);
                clients.add(() -> model.chat(question));
            }
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (Future<String> answer : threads.invokeAll(clients)) {
                    assertThat(answer.get()).isEqualTo(alone[0]);
                }
            }
            assertThat(context.getBean(SharedResources.class).kvBudget().takenBytes()).isPositive()
                    .isLessThanOrEqualTo(1800L << 10);
        });
    }

    @Test
    void theSingleModelStandsBesideThem() {
        runner.withPropertyValues("chai.model.path=" + Pocket.MODEL).run(context -> {
            assertThat(context).getBeanNames(ChatModel.class).containsExactlyInAnyOrder("chaiChatModel",
                    "firstChatModel", "other-oneChatModel");
            assertThat(context.getBean("chaiEngine", ChaiEngine.class).textModel().model().kvBudget())
                    .isSameAs(context.getBean(SharedResources.class).kvBudget());
        });
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnModel {
        @Bean
        ChaiChatModel firstChatModel(@Qualifier("first") ChaiEngine engine) {
            return ChaiChatModel.builder().engine(engine).maxOutputTokens(1).build();
        }
    }

    @Test
    void aBeanOfTheApplicationWithSuchANameStays() {
        runner.withUserConfiguration(OwnModel.class)
                .run(context -> assertThat(context.getBean("firstChatModel", ChatModel.class)
                        .defaultRequestParameters().maxOutputTokens()).isEqualTo(1));
    }

    @Test
    void allAreClosedWithTheContext() {
        List<ChaiEngine> engines = new ArrayList<>();
        runner.run(context -> engines.addAll(context.getBeansOfType(ChaiEngine.class).values()));
        assertThat(engines).hasSize(2).allSatisfy(engine -> assertThatThrownBy(
                () -> engine.textModel().model().newSession()).hasMessage("the model is closed"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            chai.models.first.threads=3 | chai.models.first.threads | set chai.threads
            chai.models.first.kv-cache.max-memory=1GB | chai.models.first.kv-cache.max-memory | \
            set chai.kv-cache.max-memory
            chai.models.first.chat.temperature=-1 | chai.models.first.chat.temperature | Must be 0 or more.
            chai.chat.temperature=-1 | chai.chat.temperature | Must be 0 or more.
            chai.models.first.revision=v1 | chai.models.first.revision | chai.models.first.repository, which is not set
            chai.models.chai.path=x | chai.models.chai | Ids of models are
            """)
    void impossibleValuesNameTheirProperty(String property, String name, String reason) {
        runner.withPropertyValues(property).run(context -> {
            Throwable failure = context.getStartupFailure();
            while (!(failure instanceof InvalidConfigurationPropertyValueException invalid)) {
                assertThat(failure).as("a cause that names the property").isNotNull();
                failure = failure.getCause();
            }
            assertThat(invalid.getName()).isEqualTo(name);
            assertThat(invalid.getReason()).contains(reason);
        });
    }

    @Test
    void whatNoModelHasIsNotPassedOver() {
        runner.withPropertyValues("chai.models.first.temprature=1").run(context -> assertThat(
                context.getStartupFailure()).rootCause().hasMessageContaining("chai.models.first.temprature"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            chai.models.third.name=x | neither chai.models.third.path nor chai.models.third.repository is set | \
            Set chai.models.third.path
            chai.models.third.path=classpath:nowhere | chai.models.third.path is 'classpath:nowhere' | \
            Correct chai.models.third.path
            chai.models.first.profile=nowhere.json | nowhere.json] does not exist | Set chai.models.first.profile
            """)
    void failuresSayWhatToDoAndForWhichModel(String property, String description, String action) {
        runner.withPropertyValues(property).run(context -> {
            FailureAnalysis analysis = new ChaiFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis.getDescription()).contains(description);
            assertThat(analysis.getAction()).contains(action);
        });
    }
}
