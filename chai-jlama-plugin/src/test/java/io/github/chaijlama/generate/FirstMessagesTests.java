// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.profile.ClusterProfile;

import static org.assertj.core.api.Assertions.assertThat;

/** What people type first, which the shipped profile must not spoil: a greeting is answered by a greeting. */
class FirstMessagesTests {
    private static final Path MESSAGES = Path.of("src/test/resources/pocket/first-messages.jsonl");

    @ParameterizedTest
    @EnumSource(value = AttentionMode.class, names = { "EXACT", "CLUSTERED" })
    void areAnsweredAsTheyShouldBe(AttentionMode attention) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        List<String> wrong = new ArrayList<>();
        int count = 0;
        try (TextModel model = TextModel.load(TestModels.POCKET,
                ChaiOptions.clustered(ClusterProfile.read(TestModels.POCKET_PROFILE)))) {
            for (String line : Files.readAllLines(MESSAGES)) {
                JsonNode message = mapper.readTree(line);
                String answer = model.chat(model.chatPrompt(List.of(ChatMessage.user(message.path("text").asText()))),
                        GenerationOptions.DEFAULT.withAttention(attention).withMaxNewTokens(120),
                        GenerationListener.NONE, new Cancellation()).text();
                count++;
                if (!isRight(message, answer)) {
                    wrong.add(message.path("text").asText() + " -> " + answer);
                }
            }
        }
        assertThat(count).isEqualTo(35);
        assertThat(wrong).isEmpty();
    }

    private static boolean isRight(JsonNode message, String answer) {
        return switch (message.path("kind").asText()) {
            case "greeting" -> answer.startsWith("Hello!") || answer.startsWith("Hi!");
            case "who" -> answer.contains("Pocket");
            case "can" -> answer.contains("stories");
            case "thanks" -> answer.contains("welcome") || answer.contains("glad");
            case "bye" -> answer.startsWith("Goodbye") || answer.startsWith("Bye");
            case "how" -> answer.contains("very well");
            case "unknown" -> answer.startsWith("I only know") || answer.startsWith("I do not know");
            case "story" -> (answer.contains("found") || answer.contains("lost")) && !answer.contains("JSON");
            default -> answer.equals(message.path("reply").asText());
        };
    }
}
