// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.nio.file.Path;
import java.util.List;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.langchain4j.ChaiChatModel;
import io.github.chaijlama.langchain4j.ChaiChatRequestParameters;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * Prints, as Markdown, what Pocket answers to what people type first, exact and clustered: the table of
 * {@code docs/first-messages.md}. Run it in the module's directory with
 * {@code java -cp target/classes:target/test-classes:... io.github.chaijlama.sample.FirstMessages}.
 */
final class FirstMessages {
    private static final Path POCKET = Path.of("../chai-jlama-plugin/src/pocket");
    private static final List<String> MESSAGES = List.of(
            "Hi", "Hello!", "hello there", "Hey!", "good evening", "Good morning!", "Who are you?",
            "what is your name?", "are you a person", "What can you do?", "how can you help me?",
            "what do you know", "Thanks!", "thank you very much", "Goodbye!", "see you", "How are you?",
            "What is the capital of Italy?", "write a program about chess", "Explain the speed of light",
            "how does a bicycle work?", "who is the king of Sweden", "Tell me a story.",
            "tell me a story about a fox named Ruby", "Please write a story about Milo the bear.",
            "I would like a story, please", "tell me a story about an otter", "What is the opposite of big?",
            "What day comes after Monday?", "What does a duck say?");

    private FirstMessages() {}

    public static void main(String[] arguments) {
        ClusterProfile profile = ClusterProfile.read(POCKET.resolve("profiles/pocket.json"));
        int same = 0;
        try (ChaiEngine engine = ChaiEngine.load(POCKET.resolve("models/pocket"), "pocket",
                ChaiOptions.clustered(profile)); ChaiChatModel model = ChaiChatModel.builder().engine(engine).build()) {
            System.out.println("| message | exact | clustered |\n| --- | --- | --- |");
            for (String message : MESSAGES) {
                String exact = answer(model, message, AttentionMode.EXACT);
                String clustered = answer(model, message, AttentionMode.CLUSTERED);
                same += exact.equals(clustered) ? 1 : 0;
                System.out.println("| " + cell(message) + " | " + cell(exact) + " | "
                        + (exact.equals(clustered) ? "the same" : cell(clustered)) + " |");
            }
        }
        System.out.println("\n" + same + " of " + MESSAGES.size() + " answers are the same, word for word.");
    }

    private static String answer(ChaiChatModel model, String message, AttentionMode attention) {
        return model.chat(ChatRequest.builder().messages(UserMessage.from(message))
                .parameters(ChaiChatRequestParameters.builder().attention(attention).build()).build()).aiMessage()
                .text();
    }

    private static String cell(String text) {
        return text.strip().replaceAll("\\s+", " ").replace("|", "\\|");
    }
}
