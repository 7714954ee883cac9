// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;

/** What properties make of a model. */
class ConfiguredEngineTests {
    private static final String MODEL = "chai.model.path=" + Pocket.MODEL;
    private static final String PROFILE = "chai.profile=file:" + Pocket.PROFILE;

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(ChaiAutoConfiguration.class));

    private static ChaiOptions options(ApplicationContext context) {
        return context.getBean(ChaiEngine.class).textModel().tokenModel().options();
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
    void theSchedulerFollowsItsProperties() {
        runner.withPropertyValues(MODEL).run(context -> assertThat(
                context.getBean(ChaiEngine.class).textModel().scheduler().orElseThrow().limits())
                .isEqualTo(SchedulerLimits.DEFAULT));
        runner.withPropertyValues(MODEL, "chai.scheduler.max-concurrent=3", "chai.scheduler.max-waiting=0",
                "chai.scheduler.max-prompt-tokens=100", "chai.scheduler.time-limit=30s",
                "chai.scheduler.max-step-tokens=128", "chai.scheduler.max-slice-tokens=16")
                .run(context -> assertThat(
                        context.getBean(ChaiEngine.class).textModel().scheduler().orElseThrow().limits())
                        .isEqualTo(new SchedulerLimits(3, 0, Optional.of(100), Optional.of(Duration.ofSeconds(30)), 128,
                                16)));
    }

    @Test
    void stockAttentionGoesOnTakingTurns() {
        runner.withPropertyValues(MODEL, "chai.attention=stock")
                .run(context -> assertThat(context.getBean(ChaiEngine.class).textModel().scheduler()).isEmpty());
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
            assertThat(parameters.temperature()).as("nothing is said: the likeliest token").isNull();
            assertThat(parameters.topP()).isNull();
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

    @Test
    void eightBitWeightsAreQuantizedWhenTheModelIsLoaded() {
        try (Output output = new Output()) {
            runner.withPropertyValues(MODEL, "chai.model.weights=q8", "chai.operators=vector").run(context -> {
                assertThat(options(context).weights()).isEqualTo(WeightType.Q8);
                assertThat(context.getBean(ChatModel.class).chat("Hello!")).isNotBlank();
            });
            assertThat(output.text()).contains("Converted 42 matrices from BF16 to I8");
        }
    }
}
