// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.generate.RepetitionPenalties;
import io.github.chaijlama.generate.Sampler;
import io.github.chaijlama.generate.SamplingOptions;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.spring.ChaiAutoConfiguration;

import static org.assertj.core.api.Assertions.assertThat;

/** What the makers of a model want holds where nobody says anything else. */
class GenerationConfigTests {
    private static final String CONFIG = """
            {"do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "repetition_penalty": 1.1,
             "stop_strings": ["fox"], "min_p": 0.1}""";

    @TempDir
    private Path directory;
    private final List<SamplingOptions> seen = new ArrayList<>();

    @BeforeEach
    void write() throws IOException {
        for (String file : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            Files.copy(Pocket.MODEL.resolve(file), directory.resolve(file));
        }
        Files.writeString(directory.resolve("generation_config.json"), CONFIG);
    }

    private ChaiEngine engine(ChaiOptions options) {
        return ChaiEngine.of(TextModel.load(directory, options, sampling -> {
            seen.add(sampling);
            return Sampler.of(sampling);
        }), "pocket");
    }

    private SamplingOptions last() {
        return seen.getLast();
    }

    @Test
    void theRequestComesBeforeTheModelsSettingsAndTheBuilderBetween() {
        try (ChaiEngine engine = engine(ChaiOptions.exact())) {
            ChatRequest plain = ChatRequest.builder().messages(UserMessage.from("Hi"))
                    .parameters(ChatRequestParameters.builder().maxOutputTokens(4).build()).build();
            ChaiChatModel model = ChaiChatModel.builder().engine(engine).seed(1L).build();
            model.chat(plain);
            assertThat(last()).isEqualTo(new SamplingOptions(0.6, 20, 0.95, 1L)
                    .withPenalties(new RepetitionPenalties(0, 0, 1.1)));
            assertThat(model.defaultRequestParameters().temperature()).isEqualTo(0.6);
            assertThat(model.defaultRequestParameters().stopSequences()).containsExactly("fox");

            ChaiChatModel own = ChaiChatModel.builder().engine(engine).seed(1L).temperature(0.0).topK(5)
                    .repetitionPenalty(1.0).stopSequences(List.of("bear")).build();
            own.chat(plain);
            assertThat(last()).isEqualTo(new SamplingOptions(0, 5, 0.95, 1L));
            assertThat(own.defaultRequestParameters().stopSequences()).containsExactly("bear");

            own.chat(ChatRequest.builder().messages(UserMessage.from("Hi")).parameters(ChatRequestParameters.builder()
                    .maxOutputTokens(4).temperature(0.3).topP(0.5).topK(7).build()).build());
            assertThat(last()).isEqualTo(new SamplingOptions(0.3, 7, 0.5, 1L));
        }
    }

    @Test
    void textsThatEndAnAnswerEndIt() {
        try (ChaiEngine engine = engine(ChaiOptions.exact())) {
            ChaiChatModel model = ChaiChatModel.builder().engine(engine).temperature(0.0).repetitionPenalty(1.0)
                    .build();
            assertThat(model.chat("Tell me a story about a fox named Ruby.")).doesNotContain("fox").isNotBlank();
            assertThat(ChaiLanguageModel.builder().engine(engine).temperature(0.0).repetitionPenalty(1.0)
                    .maxOutputTokens(60).build().generate("Once there was a sleepy").content()).doesNotContain("fox");
        }
    }

    @Test
    void languageModelsHaveThemToo() {
        try (ChaiEngine engine = engine(ChaiOptions.exact())) {
            ChaiLanguageModel.builder().engine(engine).seed(1L).topP(0.5).maxOutputTokens(3).build().generate("Once");
            assertThat(last()).isEqualTo(new SamplingOptions(0.6, 20, 0.5, 1L)
                    .withPenalties(new RepetitionPenalties(0, 0, 1.1)));
        }
    }

    @Test
    void turnedOffTheyDoNotCount() {
        try (ChaiEngine engine = engine(ChaiOptions.exact().with(change -> change.generationConfig(false)))) {
            ChaiChatModel.builder().engine(engine).seed(1L).maxOutputTokens(3).build().chat("Hi");
            assertThat(last()).isEqualTo(new SamplingOptions(0, null, 1, 1L));
        }
    }

    @Test
    void propertiesComeBeforeThemAndTurnThemOff() {
        ApplicationContextRunner runner = new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(ChaiAutoConfiguration.class))
                .withPropertyValues("chai.model.path=" + directory);
        runner.withPropertyValues("chai.chat.top-p=0.5", "chai.chat.stop-sequences=bear").run(context -> {
            var parameters = context.getBean(ChaiChatModel.class).defaultRequestParameters();
            assertThat(parameters.temperature()).isEqualTo(0.6);
            assertThat(parameters.topK()).isEqualTo(20);
            assertThat(parameters.topP()).isEqualTo(0.5);
            assertThat(parameters.stopSequences()).containsExactly("bear");
        });
        runner.withPropertyValues("chai.model.generation-config=false").run(context -> {
            var parameters = context.getBean(ChaiChatModel.class).defaultRequestParameters();
            assertThat(parameters.temperature()).isNull();
            assertThat(parameters.stopSequences()).isEmpty();
        });
    }
}
