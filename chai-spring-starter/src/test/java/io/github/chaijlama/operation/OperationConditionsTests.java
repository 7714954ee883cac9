// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.List;
import java.util.Map;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.langchain4j.ChaiChatModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.spring.ChaiAutoConfiguration;

import static org.assertj.core.api.Assertions.assertThat;

/** What there is depends on what an application has on its class path, and asks for. */
class OperationConditionsTests {
    private static final AutoConfigurations ALL = AutoConfigurations.of(ChaiAutoConfiguration.class,
            ChaiMetricsAutoConfiguration.class, ChaiHealthAutoConfiguration.class,
            ChaiEndpointAutoConfiguration.class, ChaiRouterAutoConfiguration.class);

    private final ApplicationContextRunner runner = new ApplicationContextRunner().withConfiguration(ALL)
            .withPropertyValues("chai.model.path=" + Pocket.MODEL);

    @Test
    void nothingOfItIsNeeded() {
        runner.withClassLoader(new FilteredClassLoader("io.micrometer", "io.prometheus",
                "org.springframework.boot.actuate", "org.springframework.boot.health", "org.springframework.web"))
                .run(context -> {
                    assertThat(context).hasNotFailed().hasSingleBean(ChaiHealth.class)
                            .doesNotHaveBean(ChaiMetrics.class)
                            .doesNotHaveBean("chaiHealthIndicator").doesNotHaveBean(ChaiEndpoint.class)
                            .doesNotHaveBean(ChaiInfoContributor.class).doesNotHaveBean(RouterCollector.class);
                    assertThat(context.getBean(ChaiChatModel.class).chat(Pocket.QUESTION)).contains("river");
                });
    }

    @Test
    void routersAreServedOnlyWhereThatIsAskedFor() {
        WebApplicationContextRunner web = new WebApplicationContextRunner().withConfiguration(ALL)
                .withPropertyValues("chai.model.path=" + Pocket.MODEL);
        web.run(context -> assertThat(context).doesNotHaveBean(RouterController.class));
        web.withPropertyValues("chai.openai.router-endpoints=true")
                .run(context -> assertThat(context).hasSingleBean(RouterController.class));
        runner.withPropertyValues("chai.openai.router-endpoints=true")
                .run(context -> assertThat(context).doesNotHaveBean(RouterController.class));
    }

    @Test
    void theEndpointIsThereOnlyWhereItIsExposed() {
        runner.run(context -> assertThat(context).doesNotHaveBean(ChaiEndpoint.class));
        runner.withPropertyValues("management.endpoints.web.exposure.include=chai")
                .run(context -> assertThat(context).hasSingleBean(ChaiEndpoint.class));
    }

    @Test
    void healthCanBeSwitchedOff() {
        runner.run(context -> assertThat(context).hasBean("chaiHealthIndicator"));
        runner.withPropertyValues("management.health.chai.enabled=false")
                .run(context -> assertThat(context).doesNotHaveBean("chaiHealthIndicator"));
    }

    @ParameterizedTest
    @ValueSource(strings = { "0s", "-1s" })
    void aStepMustBeAllowedSomeTime(String time) {
        runner.withPropertyValues("chai.health.max-step-time=" + time).run(context -> assertThat(context).hasFailed()
                .getFailure().rootCause().isInstanceOfSatisfying(InvalidConfigurationPropertyValueException.class,
                        e -> {
                            assertThat(e.getName()).isEqualTo("chai.health.max-step-time");
                            assertThat(e.getReason()).isEqualTo("Must be more than 0.");
                        }));
    }

    @Configuration(proxyBeanMethods = false)
    static class TwoModels {
        @Bean
        ChaiEngine first() {
            return ChaiEngine.load(Pocket.MODEL, "first", ChaiOptions.exact());
        }

        @Bean
        ChaiEngine second() {
            return ChaiEngine.load(Pocket.MODEL, "second", ChaiOptions.stock());
        }
    }

    /** The second is Jlama's own attention, which has neither steps that are shared nor memory that is counted. */
    @Test
    void everyModelIsCountedForItself() {
        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(ChaiMetricsAutoConfiguration.class,
                        ChaiHealthAutoConfiguration.class, ChaiEndpointAutoConfiguration.class,
                        ChaiRouterAutoConfiguration.class))
                .withPropertyValues("management.endpoints.web.exposure.include=chai")
                .withUserConfiguration(TwoModels.class).run(context -> {
                    SimpleMeterRegistry registry = new SimpleMeterRegistry();
                    context.getBean(ChaiMetrics.class).bindTo(registry);
                    ChaiEngine second = context.getBean("second", ChaiEngine.class);
                    try (ChaiChatModel model = ChaiChatModel.builder().engine(second).maxOutputTokens(3).build()) {
                        model.chat("Hello");
                    }
                    assertThat(registry.get("chai.tokens.output").tag("model", "first").functionCounter().count())
                            .isZero();
                    assertThat(registry.get("chai.tokens.output").tag("model", "second").functionCounter().count())
                            .isEqualTo(3);
                    assertThat(registry.get("chai.requests").tags("model", "second", "outcome", "length").timer()
                            .count()).isEqualTo(1);
                    assertThat(registry.find("chai.requests.running").tag("model", "second").gauge()).isNull();
                    assertThat(PrometheusText.of(context.getBean(RouterMetrics.class).families()).lines())
                            .contains("vllm:time_to_first_token_seconds_count{model_name=\"first\"} 0",
                                    "vllm:time_to_first_token_seconds_count{model_name=\"second\"} 1",
                                    "vllm:num_requests_running{model_name=\"first\"} 0.0")
                            .noneMatch(line -> line.startsWith("vllm:num_requests_running{model_name=\"second\"}"));
                    assertThat(context.getBean(ChaiEndpoint.class).models().models())
                            .extracting(report -> report.model().name()).containsExactly("first", "second");
                    assertThat(context.getBean(ChaiHealth.class).state().details()).containsOnlyKeys("first",
                            "second");
                });
    }

    @Test
    void namesAreEscapedInTexts() {
        RouterMetrics.Family family = new RouterMetrics.Family("a", RouterMetrics.Kind.GAUGE, "A",
                List.of(new RouterMetrics.Value(Map.of("model_name", "a\"b\\c\nd"), 1)));
        assertThat(PrometheusText.of(List.of(family)))
                .isEqualTo("# HELP a A\n# TYPE a gauge\na{model_name=\"a\\\"b\\\\c\\nd\"} 1.0\n");
    }
}
