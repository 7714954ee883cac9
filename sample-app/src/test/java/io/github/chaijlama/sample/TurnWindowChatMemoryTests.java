// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.util.List;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class TurnWindowChatMemoryTests {
    private static final ChatMessage SYSTEM = SystemMessage.from("be kind");

    private final TurnWindowChatMemory memory = new TurnWindowChatMemory("id", 10, new WordCounter());

    private static ChatMessage question(String text) {
        return UserMessage.from(text);
    }

    private static ChatMessage answer(String text) {
        return AiMessage.from(text);
    }

    private void say(ChatMessage... messages) {
        for (ChatMessage message : messages) {
            memory.add(message);
        }
    }

    @Test
    void forgetsQuestionsTogetherWithTheirAnswers() {
        say(question("a b"), answer("c d e"), question("f"), answer("g"), question("h i"));
        assertThat(memory.messages()).as("9 words").hasSize(5);
        memory.add(answer("j k l m"));
        assertThat(memory.messages()).as("no request follows an answer").hasSize(6);
        memory.add(question("n"));
        // Without the first question alone there would be 12 words, so message by message the first answer would go
        // too; without the first turn there are 9.
        assertThat(memory.messages()).containsExactly(question("f"), answer("g"), question("h i"), answer("j k l m"),
                question("n"));
    }

    @Test
    void neverBeginsWithAnAnswer() {
        say(question("a b c"), answer("d"), question("e f g h i j k"));
        // The question alone is too much by one word; what would be left without it fits, but begins with an answer.
        assertThat(memory.messages()).containsExactly(question("e f g h i j k"));
    }

    @Test
    void theSystemMessageStays() {
        say(question("a b c"), answer("d e f"), SYSTEM, question("g h i"));
        assertThat(memory.messages()).containsExactly(SYSTEM, question("g h i"));
        memory.add(SystemMessage.from("be brief"));
        assertThat(memory.messages()).containsExactly(SystemMessage.from("be brief"), question("g h i"));
    }

    @Test
    void theLastQuestionStays() {
        say(SYSTEM, question("a"), answer("b"), question("1 2 3 4 5 6 7 8 9 10 11 12"));
        assertThat(memory.messages()).containsExactly(SYSTEM, question("1 2 3 4 5 6 7 8 9 10 11 12"));
    }

    @Test
    void goesOnFromWhatWasSaid() {
        List<ChatMessage> said = List.of(question("a"), answer("b"));
        TurnWindowChatMemory next = new TurnWindowChatMemory("id", 10, new WordCounter(), said);
        next.add(question("1 2 3 4 5 6 7 8 9 10"));
        assertThat(next.id()).isEqualTo("id");
        assertThat(next.messages()).containsExactly(question("1 2 3 4 5 6 7 8 9 10"));
        assertThat(said).as("not changed").hasSize(2);
        next.clear();
        assertThat(next.messages()).isEmpty();
    }
}
