// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.asking;

import java.util.Map;

import dev.langchain4j.model.chat.ChatModel;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/** Asks every model a question, says what it runs on, and ends. */
@SpringBootApplication
public class AskingApplication {

    /** Runs the application. */
    public static void main(String[] args) {
        SpringApplication.run(AskingApplication.class, args).close();
    }

    @Bean
    CommandLineRunner ask(Map<String, ChatModel> models) {
        return args -> {
            System.out.println("Spring Boot " + SpringBootVersion.getVersion());
            models.forEach((name, model) -> System.out.println(name + ": " + model.chat("Hello!")));
        };
    }
}
