// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.annotation.ImportCandidates;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.web.servlet.DispatcherServlet;

import io.github.chaijlama.Pocket;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.langchain4j.ChaiStreamingChatModel;
import io.github.chaijlama.langchain4j.ChaiStreamingLanguageModel;

import static org.assertj.core.api.Assertions.assertThat;

/** When the endpoint is there, and what models it finds. */
class ChaiOpenAiAutoConfigurationTests {
    private static ChaiEngine engine;

    private final WebApplicationContextRunner runner = new WebApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(ChaiOpenAiAutoConfiguration.class));

    @BeforeAll
    static void load() {
        engine = Pocket.engine();
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    @Test
    void springBootFindsIt() {
        assertThat(ImportCandidates.load(AutoConfiguration.class, null))
                .contains(ChaiOpenAiAutoConfiguration.class.getName());
    }

    @Test
    void isOffUnlessItIsTurnedOn() {
        runner.run(context -> assertThat(context).doesNotHaveBean(OpenAiController.class));
        runner.withPropertyValues("chai.openai.enabled=false")
                .run(context -> assertThat(context).doesNotHaveBean(OpenAiController.class));
        runner.withPropertyValues("chai.openai.enabled=true")
                .run(context -> assertThat(context).hasSingleBean(OpenAiController.class));
    }

    @Test
    void isForServletApplicationsOnly() {
        new ApplicationContextRunner().withConfiguration(AutoConfigurations.of(ChaiOpenAiAutoConfiguration.class))
                .withPropertyValues("chai.openai.enabled=true")
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(OpenAiController.class));
        runner.withPropertyValues("chai.openai.enabled=true")
                .withClassLoader(new FilteredClassLoader(DispatcherServlet.class))
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean("chaiOpenAiController"));
    }

    @Test
    void servesAllStreamingModelsByTheirNames() {
        ChaiStreamingChatModel chat = ChaiStreamingChatModel.builder().engine(engine).build();
        ChaiStreamingLanguageModel language = ChaiStreamingLanguageModel.builder().engine(engine).build();
        runner.withPropertyValues("chai.openai.enabled=true")
                .withBean("first", ChaiStreamingChatModel.class, () -> chat, bean -> bean.setPrimary(true))
                .withBean("second", ChaiStreamingChatModel.class,
                        () -> ChaiStreamingChatModel.builder().engine(engine).build())
                .withBean(ChaiStreamingLanguageModel.class, () -> language)
                .run(context -> assertThat(context.getBean(ServedModels.class).all())
                        .as("one of two that have the same name").hasSize(1)
                        .contains(new ServedModel("pocket", chat, Optional.of(language))));
    }

    @Test
    void backsOffWhenTheApplicationNamesItsModels() {
        runner.withPropertyValues("chai.openai.enabled=true").withBean(ServedModels.class, () -> List::of)
                .run(context -> assertThat(context).hasSingleBean(ServedModels.class));
    }

    @ParameterizedTest
    @CsvSource({ "chai.openai.api-key, ' ', 'Must not be blank. To serve everybody, do not set it.'",
            "chai.openai.max-request-size, 0B, Must be at least 1 byte and less than 2 GB.",
            "chai.openai.max-request-size, 2GB, Must be at least 1 byte and less than 2 GB.",
            "chai.openai.keep-alive, -1s, Must not be negative." })
    void impossibleValuesAreRefusedByName(String property, String value, String reason) {
        runner.withPropertyValues("chai.openai.enabled=true", property + "=" + value).run(context -> {
            assertThat(context).hasFailed();
            assertThat(context.getStartupFailure()).rootCause()
                    .isInstanceOfSatisfying(InvalidConfigurationPropertyValueException.class, failure -> {
                        assertThat(failure.getName()).isEqualTo(property);
                        assertThat(failure.getReason()).isEqualTo(reason);
                    });
        });
    }

    @Test
    void theKeyIsNotShown() {
        runner.withPropertyValues("chai.openai.enabled=true", "chai.openai.api-key=open sesame")
                .run(context -> assertThat(context.getBean(ChaiOpenAiProperties.class).toString())
                        .doesNotContain("sesame").contains("maxRequestSize=4194304B"));
    }
}
