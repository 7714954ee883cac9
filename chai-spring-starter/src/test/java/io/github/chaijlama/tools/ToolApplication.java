// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tools;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.memory.ChatMemory;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.service.SystemMessage;
import dev.langchain4j.service.spring.AiService;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.stereotype.Component;

/** An application with a bean of tools, which {@code @AiService} finds by itself. */
@SpringBootApplication(proxyBeanMethods = false)
class ToolApplication {

    /** Somebody who knows the weather. */
    @AiService
    interface Guide {
        @SystemMessage("You are a guide.")
        String ask(String question);
    }

    /** A weather station; the starter looks for tools in components, not in what factory methods return. */
    @Component
    static class WeatherStation {
        final List<String> asked = new CopyOnWriteArrayList<>();

        @Tool
        String weather(String place) {
            asked.add(place);
            return "sunny";
        }
    }

    @Bean
    ChatMemory memory() {
        return MessageWindowChatMemory.withMaxMessages(20);
    }
}
