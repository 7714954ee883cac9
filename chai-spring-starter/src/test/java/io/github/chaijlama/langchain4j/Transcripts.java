// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.List;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.listener.ChatModelRequestContext;
import dev.langchain4j.model.chat.listener.ChatModelResponseContext;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.Result;

import io.github.chaijlama.Pocket;

/**
 * Prints, as Markdown, what Pocket and its tools say to each other, what it makes of types, and a chat of ten turns.
 * Run it in the module's directory with
 * {@code java -cp target/classes:target/test-classes:... io.github.chaijlama.langchain4j.Transcripts}.
 */
final class Transcripts {
    private Transcripts() {}

    interface Assistant {
        Result<String> chat(String message);
    }

    record Facts(String name, String animal, String home, String place, String friend) {}

    enum Animal {
        BADGER, DUCK, FOX, OWL
    }

    interface Reader {
        Facts facts(String text);

        Animal animal(String text);

        List<String> names(String text);

        boolean isTrue(String text);
    }

    /** Prints what goes to the model and what comes back. */
    private static final class Printer implements ChatModelListener {
        @Override
        public void onRequest(ChatModelRequestContext context) {
            ChatMessage last = context.chatRequest().messages().getLast();
            if (last instanceof ToolExecutionResultMessage result) {
                System.out.println("- tool `" + result.toolName() + "`: `" + result.text() + "`");
            }
        }

        @Override
        public void onResponse(ChatModelResponseContext context) {
            AiMessage answer = context.chatResponse().aiMessage();
            for (ToolExecutionRequest call : answer.toolExecutionRequests()) {
                System.out
                        .println("- model calls `" + call.name() + "` with `" + call.arguments() + "` (id `" + call.id()
                                + "`)");
            }
            if (answer.text() != null) {
                System.out.println("- model: `" + answer.text().replace("\n", " ") + "`");
            }
        }
    }

    public static void main(String[] arguments) {
        try (ChaiEngine engine = Pocket.engine()) {
            ChaiChatModel printing = ChaiChatModel.builder().engine(engine).listeners(List.of(new Printer())).build();
            tools(printing);
            types(printing);
            conversation(ChaiChatModel.builder().engine(engine).maxOutputTokens(80).build());
        }
    }

    private static void tools(ChaiChatModel model) {
        System.out.println("## Tools\n");
        Assistant assistant = AiServices.builder(Assistant.class).chatModel(model)
                .tools(new ToolsAndFormatsTests.Tools()).build();
        for (String question : List.of("What is 12 plus 30?", "What is 64 times 17?",
                "What is the weather at the river?",
                "What does a whistle cost?", "What time is it?")) {
            System.out.println(question + "\n");
            assistant.chat(question);
            System.out.println();
        }
    }

    private static void types(ChaiChatModel model) {
        System.out.println("## Types\n\n> " + ToolsAndFormatsTests.STORY + "\n");
        Reader reader = AiServices.create(Reader.class, model);
        System.out.println(
                "- Java: `" + reader.facts("Extract the facts from this story: " + ToolsAndFormatsTests.STORY) + "`");
        System.out.println("- Java: `" + reader.animal(ToolsAndFormatsTests.STORY) + "`");
        System.out.println("- Java: `" + reader.names(ToolsAndFormatsTests.STORY) + "`");
        System.out.println("- Java: `" + reader.isTrue(ToolsAndFormatsTests.STORY) + "`\n");
    }

    private static void conversation(ChaiChatModel model) {
        System.out.println(
                "## Ten turns\n\n| | prompt, tokens | of them known |\n| --- | --- | --- |");
        Assistant assistant = AiServices.builder(Assistant.class).chatModel(model)
                .chatMemory(MessageWindowChatMemory.withMaxMessages(100)).build();
        for (String question : List.of("Tell me a story about a fox named Ruby.", "Who helped Ruby?",
                "Where did Ruby go?", "What comes after Monday?", "Tell me a story about a mouse named Alice.",
                "Where did Alice go?", "What is the opposite of big?", "Tell me a story about a bear named Max.",
                "What did Max find?", "Who helped Max?")) {
            Result<String> result = assistant.chat(question);
            ChaiChatResponseMetadata metadata = (ChaiChatResponseMetadata) result.finalResponse().metadata();
            System.out.printf("| **%s** %s | %d | %d |%n", question, result.content().replace("\n", " "),
                    metadata.tokenUsage().inputTokenCount(), metadata.cachedPromptTokens());
        }
    }
}
