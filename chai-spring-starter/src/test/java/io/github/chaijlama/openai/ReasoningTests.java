// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.langchain4j.SpokenEngine;

import static org.assertj.core.api.Assertions.assertThat;

/** What a model thinks before it answers, over HTTP. */
@Tag("boot-lines")
@Timeout(300)
class ReasoningTests {
    private static final String CHAT = "/chat/completions";
    private static final String HELLO = "{\"model\": \"pocket\", \"messages\": [{\"role\": \"user\", \"content\": "
            + "\"Hello!\"}]";

    private static SpokenEngine engine;
    private static OpenAiServer server;

    @BeforeAll
    static void start(@TempDir Path directory) {
        engine = SpokenEngine.thinking(directory);
        engine.say("<think>\nA fox is a fox.\n</think>\n\nRuby.");
        server = OpenAiServer.of(engine.engine(), "chai.chat.send-thinking=true");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void thinkingIsReasoningContent() throws Exception {
        JsonNode message = server.answer(CHAT, HELLO + "}").at("/choices/0/message");
        assertThat(message.path("content").asText()).isEqualTo("Ruby.");
        assertThat(message.path("reasoning_content").asText()).isEqualTo("A fox is a fox.");

        List<JsonNode> events = server.events(CHAT, HELLO + ", \"stream\": true}");
        for (String field : List.of("reasoning_content", "content")) {
            assertThat(events.stream().map(event -> event.at("/choices/0/delta/" + field).asText(""))
                    .collect(Collectors.joining()).strip()).isEqualTo(message.path(field).asText());
        }
    }

    @Test
    void whetherToThinkCanBeSaid() throws Exception {
        server.answer(CHAT, HELLO + "}");
        assertThat(engine.prompt()).as("the template's affair").doesNotContain("[");
        server.answer(CHAT, HELLO + ", \"reasoning_effort\": \"none\"}");
        assertThat(engine.prompt()).endsWith("[False]");
        server.answer(CHAT, HELLO + ", \"reasoning_effort\": \"high\"}");
        assertThat(engine.prompt()).endsWith("[True]");
    }

    @Test
    void earlierThinkingGoesToTheTemplate() throws Exception {
        server.answer(CHAT, HELLO.replace("}]", "}, {\"role\": \"assistant\", \"content\": \"Hi!\", "
                + "\"reasoning_content\": \"Greet.\"}, {\"role\": \"user\", \"content\": \"Who?\"}]") + "}");
        assertThat(engine.prompt()).contains("<think>Greet.</think>Hi!");
    }
}
