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

/** An application with a bean of tools, which {@code @AiService} finds by itself. */
@SpringBootApplication(proxyBeanMethods = false)
class ToolApplication {

    /** Somebody who looks prices up. */
    @AiService
    interface Clerk {
        @SystemMessage("You are a clerk.")
        String ask(String question);
    }

    /** A price list. */
    static class Prices {
        final List<String> asked = new CopyOnWriteArrayList<>();

        @Tool
        int price(String item) {
            asked.add(item);
            return 69;
        }
    }

    @Bean
    Prices prices() {
        return new Prices();
    }

    @Bean
    ChatMemory memory() {
        return MessageWindowChatMemory.withMaxMessages(20);
    }
}
