// SPDX-License-Identifier: Apache-2.0
package consumer;

import dev.langchain4j.model.chat.ChatModel;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

import io.github.chaijlama.langchain4j.ChaiEngine;

/**
 * An application of somebody else: adds the starter, sets two properties, chats. Fails when the answer is not in the
 * story, or when the operators are not the ones that its dependencies should lead to.
 */
@SpringBootApplication
public class Consumer {

    public static void main(String[] args) {
        SpringApplication.run(Consumer.class, args).close();
    }

    @Bean
    CommandLineRunner ask(ChatModel model, ChaiEngine engine,
            @Value("${expected.operators}") String expectedOperators) {
        return args -> {
            String answer = model.chat("Read this: Finn was a lucky owl. Finn lived near the meadow. One cold morning, "
                    + "Finn went "
                    + "to the river. There Finn found a green whistle. Then Rose the penguin came to help.\nWhere did "
                            + "Finn go?");
            String operators = engine.textModel().model().operators();
            System.out.println("Spring Boot " + SpringBootVersion.getVersion() + ", " + operators + ": " + answer);
            if (!operators.contains(expectedOperators)) {
                throw new IllegalStateException("expected " + expectedOperators + " operators, found: " + operators);
            }
            if (!answer.contains("river")) {
                throw new IllegalStateException("expected an answer that names the river, found: " + answer);
            }
        };
    }
}
