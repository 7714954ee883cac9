// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.assistant;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.memory.ChatMemory;
import dev.langchain4j.model.chat.response.ChatResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

import io.github.chaijlama.Pocket;
import io.github.chaijlama.langchain4j.ChaiChatResponseMetadata;
import io.github.chaijlama.langchain4j.ChaiEngine;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code langchain4j-spring-boot-starter} beside this starter, in an application that is started for real. */
@Timeout(120)
class AiServiceTests {
    private ConfigurableApplicationContext context;
    private AssistantApplication.Assistant assistant;

    @BeforeEach
    void start() {
        context = new SpringApplicationBuilder(AssistantApplication.class).web(WebApplicationType.NONE).run(
                "--chai.model.path=" + Pocket.MODEL, "--chai.profile=" + Pocket.PROFILE,
                "--chai.chat.max-output-tokens=60");
        assistant = context.getBean(AssistantApplication.Assistant.class);
    }

    @AfterEach
    void stop() {
        context.close();
    }

    @Test
    void anInterfaceIsAnsweredByTheModelWithInstructionsAndMemory() {
        assertThat(assistant.ask("Finn", Pocket.QUESTION)).contains("river");
        assertThat(assistant.ask("Finn", "What did Finn find?")).contains("whistle");

        assertThat(context.getBean(ChatMemory.class).messages()).hasSize(5).first()
                .isEqualTo(SystemMessage.from("You are a helpful friend of Finn."));
        List<dev.langchain4j.data.message.ChatMessage> second = context
                .getBean(AssistantApplication.Requests.class).seen
                .getLast().messages();
        assertThat(second).hasSize(4).hasAtLeastOneElementOfType(AiMessage.class).last()
                .isEqualTo(UserMessage.from("What did Finn find?"));
        assertThat(context.getBean(ChaiEngine.class).textModel().idleSequences())
                .as("the second turn went on where the first had ended").isEqualTo(1);
    }

    @Test
    void anInterfaceStreams() throws Exception {
        List<String> pieces = Collections.synchronizedList(new ArrayList<>());
        CompletableFuture<ChatResponse> answer = new CompletableFuture<>();
        assistant.tell(Pocket.QUESTION).onPartialResponse(pieces::add).onCompleteResponse(answer::complete)
                .onError(answer::completeExceptionally).start();

        ChatResponse response = answer.get(60, TimeUnit.SECONDS);
        assertThat(response.aiMessage().text()).contains("river").isEqualTo(String.join("", pieces));
        assertThat(response.metadata()).isInstanceOf(ChaiChatResponseMetadata.class);
    }
}
