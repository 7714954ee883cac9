// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.annotation.ImportCandidates;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.langchain4j.ChaiChatModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.langchain4j.ChaiLanguageModel;
import io.github.chaijlama.langchain4j.ChaiStreamingChatModel;
import io.github.chaijlama.langchain4j.ChaiStreamingLanguageModel;
import io.github.chaijlama.langchain4j.ChaiTokenCountEstimator;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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

    @ParameterizedTest
    @CsvSource({ ", , 8", "true, 3, 3", "false, 3, 0", ", 0, 0" })
    void idleSequencesFollowTheirProperties(String reuse, String max, int expected) {
        ApplicationContextRunner configured = runner.withPropertyValues(MODEL);
        configured = reuse == null ? configured : configured.withPropertyValues("chai.kv-cache.reuse=" + reuse);
        configured = max == null ? configured
                : configured.withPropertyValues("chai.kv-cache.max-idle-sequences=" + max);
        configured.run(context -> assertThat(options(context).maxIdleSequences()).isEqualTo(expected));
    }

    @Test
    void closesTheEngineWithTheContext() {
        ChaiEngine[] engine = new ChaiEngine[1];
        runner.withPropertyValues(MODEL).run(context -> engine[0] = context.getBean(ChaiEngine.class));
        assertThatThrownBy(() -> engine[0].textModel().model().newSession())
                .hasMessage("the model is closed");
    }

    @ParameterizedTest
    @CsvSource({ ", , , EXACT", ", , PROFILE, CLUSTERED", "true, , PROFILE, CLUSTERED", "false, , PROFILE, EXACT",
            "false, clustered, PROFILE, EXACT", "false, clustered, , EXACT", ", exact, PROFILE, EXACT",
            ", clustered, PROFILE, CLUSTERED", ", stock, , STOCK", ", stock, PROFILE, STOCK",
            "false, stock, , EXACT" })
    void attentionFollowsItsProperties(String enabled, String attention, String profile, AttentionMode expected) {
        ApplicationContextRunner configured = runner.withPropertyValues(MODEL);
        configured = enabled == null ? configured : configured.withPropertyValues("chai.enabled=" + enabled);
        configured = attention == null ? configured : configured.withPropertyValues("chai.attention=" + attention);
        configured = profile == null ? configured : configured.withPropertyValues(PROFILE);
        configured.run(context -> assertThat(options(context).attention()).isEqualTo(expected));
    }

    /** Nobody need have a BLAS library; this module's tests have none on the class path. */
    @Test
    void saysWhatIsMissingWhereBlasIsAskedFor() {
        runner.withPropertyValues(MODEL, "chai.operators=blas").run(context -> {
            if (context.getStartupFailure() == null) {
                assertThat(options(context).operators()).isEqualTo(Operators.BLAS); // the system has one
                return;
            }
            FailureAnalysis analysis = new ChaiFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis.getDescription()).contains("chai.operators").contains("there is no BLAS library");
            assertThat(analysis.getAction()).isEqualTo("Add the library, or set chai.operators to auto.");
        });
    }

    @Test
    void propertiesReachTheirPlaces() {
        runner.withPropertyValues(MODEL, "chai.model.name=little", "chai.kv-cache.max-memory=48MB",
                "chai.kv-cache.type=i8", "chai.threads=1", "chai.operators=jlama",
                "chai.model.weights=q4", "chai.chat.temperature=0.7", "chai.chat.top-p=0.9", "chai.chat.top-k=12",
                "chai.chat.frequency-penalty=0.5", "chai.chat.presence-penalty=-1",
                "chai.chat.max-output-tokens=5", "chai.chat.stop-sequences=END,STOP", "chai.chat.seed=3")
                .run(context -> {
                    assertThat(options(context).kvCacheMaxBytes()).isEqualTo(48L << 20);
                    assertThat(options(context).kvCacheType()).isEqualTo(KvType.I8);
                    assertThat(options(context).threads()).isEqualTo(1);
                    assertThat(options(context).operators()).isEqualTo(Operators.JLAMA);
                    assertThat(options(context).weights()).isEqualTo(WeightType.Q4);
                    for (var parameters : List.of(context.getBean(ChatModel.class).defaultRequestParameters(),
                            context.getBean(StreamingChatModel.class).defaultRequestParameters())) {
                        assertThat(parameters.modelName()).isEqualTo("little");
                        assertThat(parameters.temperature()).isEqualTo(0.7);
                        assertThat(parameters.topP()).isEqualTo(0.9);
                        assertThat(parameters.topK()).isEqualTo(12);
                        assertThat(parameters.frequencyPenalty()).isEqualTo(0.5);
                        assertThat(parameters.presencePenalty()).isEqualTo(-1);
                        assertThat(parameters.maxOutputTokens()).isEqualTo(5);
                        assertThat(parameters.stopSequences()).containsExactly("END", "STOP");
                    }
                    ChatModel model = context.getBean(ChatModel.class);
                    assertThat(model.chat("Tell me a story.")).isEqualTo(model.chat("Tell me a story."));
                });
    }

    @Test
    void defaultsAreThoseOfTheLibrary() {
        runner.withPropertyValues(MODEL).run(context -> {
            assertThat(options(context)).isEqualTo(ChaiOptions.exact());
            var parameters = context.getBean(ChatModel.class).defaultRequestParameters();
            assertThat(parameters.temperature()).isZero();
            assertThat(parameters.topP()).isEqualTo(1);
            assertThat(parameters.topK()).isNull();
            assertThat(parameters.maxOutputTokens()).isNull();
            assertThat(parameters.stopSequences()).isEmpty();
        });
    }

    @Test
    void membershipReplacesTheProfiles(@TempDir Path directory) throws IOException {
        Path profile = Files.writeString(directory.resolve("online.json"),
                """
                        {"format": "chai-profile/1", "clusters": [8, 4, 4, 4, 4, 4], "membership": {"kind": "ONLINE", \
                        "window": 5},
                         "model": {"type": "llama", "layers": 6, "heads": 8, "kvHeads": 8, "headSize": 32}}""");
        runner.withPropertyValues(MODEL, "chai.profile=file:" + profile, "chai.membership.window=16",
                "chai.membership.offset=2", "chai.membership.algorithm=kmeans",
                "chai.membership.representative=medoid").run(
                        context -> assertThat(options(context).profile().orElseThrow().membership())
                                .isEqualTo(new Membership.Online(
                                        16, 2, ClusteringAlgorithm.KMEANS, RepresentativeChoice.MEDOID)));
    }

    // ---- back-off and extension ----

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

    // ---- where models come from ----

    @Test
    void readsAModelFromADirectoryOnTheClassPath() {
        runner.withPropertyValues("chai.model.path=classpath:models/pocket",
                "chai.profile=classpath:profiles/pocket.json").run(context -> {
                    assertThat(options(context).attention()).isEqualTo(AttentionMode.CLUSTERED);
                    assertThat(context.getBean(ChaiEngine.class).modelName()).isEqualTo("pocket");
                });
    }

    // ---- failures ----

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            chai.threads=0                     | chai.threads                | 0      | Must be 1 to 1024.
            chai.threads=1025                  | chai.threads                | 1025   | Must be 1 to 1024.
            chai.kv-cache.max-memory=0B        | chai.kv-cache.max-memory    | 0B     | Must be more than 0.
            chai.kv-cache.max-idle-sequences=-1 | chai.kv-cache.max-idle-sequences | -1 | Must be 0 or more.
            chai.membership.window=0           | chai.membership.window      | 0      | Must be at least 1 token.
            chai.membership.offset=-1          | chai.membership.offset      | -1     | Must be 0 tokens or more.
            chai.chat.temperature=-0.5         | chai.chat.temperature       | -0.5   | Must be 0 or more.
            chai.chat.top-p=0                  | chai.chat.top-p             | 0.0    | Must be above 0 and at most 1.
            chai.chat.top-p=1.5                | chai.chat.top-p             | 1.5    | Must be above 0 and at most 1.
            chai.chat.top-k=0                  | chai.chat.top-k             | 0      | Must be at least 1 token.
            chai.chat.frequency-penalty=3      | chai.chat.frequency-penalty | 3.0    | Must be from -2 to 2.
            chai.chat.presence-penalty=-2.5    | chai.chat.presence-penalty  | -2.5   | Must be from -2 to 2.
            chai.chat.max-output-tokens=0      | chai.chat.max-output-tokens | 0      | Must be at least 1 token.
            chai.membership.window=9 | chai.membership.window | 9 | Decides which heads belong together, which the \
            profile has decided for every sequence (STATIC).
            chai.membership.algorithm=kmeans | chai.membership.algorithm | KMEANS | Decides which heads belong \
            together, which the profile has decided for every sequence (STATIC).
            """)
    void impossibleValuesNameTheirProperty(String property, String name, String value, String reason) {
        runner.withPropertyValues(MODEL, PROFILE, property).run(context -> {
            Throwable failure = context.getStartupFailure();
            while (!(failure instanceof InvalidConfigurationPropertyValueException invalid)) {
                assertThat(failure).as("a cause that names the property").isNotNull();
                failure = failure.getCause();
            }
            assertThat(invalid.getName()).isEqualTo(name);
            assertThat(invalid.getValue()).hasToString(value);
            assertThat(invalid.getReason()).isEqualTo(reason);
        });
    }

    @Test
    void jlamasOwnAttentionStoresKeysAndValuesItsOwnWay() {
        runner.withPropertyValues(MODEL, "chai.attention=stock", "chai.kv-cache.type=bf16")
                .run(context -> assertThat(context.getStartupFailure()).rootCause()
                        .isInstanceOfSatisfying(InvalidConfigurationPropertyValueException.class, invalid -> {
                            assertThat(invalid.getName()).isEqualTo("chai.kv-cache.type");
                            assertThat(invalid.getValue()).isEqualTo(KvType.BF16);
                            assertThat(invalid.getReason()).contains("Jlama's own attention").contains("f32");
                        }));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            chai.enabled=true | chai.model.path is not set | Set chai.model.path
            chai.model.path=nowhere | model directory nowhere does not exist | Correct chai.model.path
            chai.model.path=classpath:nowhere | there is no such directory with a config.json | Correct chai.model.path
            chai.model.path=src | config.json does not exist | Correct chai.model.path
            MODEL chai.attention=clustered | chai.attention is clustered, but chai.profile is not set and \
            chai.calibration.mode is off | Set chai.profile to a cluster profile of this model, or \
            chai.calibration.mode to if-missing
            MODEL chai.profile=file:nowhere.json   | nowhere.json] does not exist                     | Set chai.profile
            MODEL chai.profile=file:pom.xml        | is not JSON                                      | Set chai.profile
            MODEL chai.profile=nowhere.json        | nowhere.json] does not exist                     | Set chai.profile
            MODEL chai.kv-cache.max-memory=1 | do not fit into chai.kv-cache.max-memory | Raise chai.kv-cache.max-memory
            """)
    void failuresSayWhatToDo(String properties, String description, String action) {
        runner.withPropertyValues(properties.replace("MODEL", MODEL).replace("PROFILE", PROFILE).split(" "))
                .run(context -> {
                    FailureAnalysis analysis = new ChaiFailureAnalyzer().analyze(context.getStartupFailure());
                    assertThat(analysis).isNotNull();
                    assertThat(analysis.getDescription()).contains(description);
                    assertThat(analysis.getAction()).contains(action);
                });
    }

    @Test
    void aProfileOfAnotherModelNamesBothShapes(@TempDir Path directory) throws IOException {
        Path profile = Files.writeString(directory.resolve("other.json"), """
                {"format": "chai-profile/1", "clusters": [2], "membership": {"kind": "ONLINE"},
                 "model": {"type": "llama", "layers": 1, "heads": 4, "kvHeads": 4, "headSize": 8}}""");
        runner.withPropertyValues(MODEL, "chai.profile=file:" + profile).run(context -> {
            FailureAnalysis analysis = new ChaiFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis.getDescription()).contains("1 layers, 4 heads").contains("6 layers, 8 heads");
            assertThat(analysis.getAction()).contains("chai.enabled to false");
        });
    }

    @Test
    void aMissingVectorModuleSaysHowToStartJava() {
        FailureAnalysis analysis = new ChaiFailureAnalyzer()
                .analyze(new IllegalStateException("bean", new MissingVectorModuleException()));
        assertThat(analysis.getDescription()).contains("without the module jdk.incubator.vector");
        assertThat(analysis.getAction()).contains("java --add-modules jdk.incubator.vector")
                .contains("JDK_JAVA_OPTIONS").contains("surefire");
    }

    @Test
    void otherFailuresAreNotOurs() {
        assertThat(new ChaiFailureAnalyzer().analyze(new IllegalStateException("x", new IOException("y")))).isNull();
    }
}
