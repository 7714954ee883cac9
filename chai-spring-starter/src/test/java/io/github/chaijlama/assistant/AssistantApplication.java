// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.assistant;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import dev.langchain4j.memory.ChatMemory;
import dev.langchain4j.memory.chat.TokenWindowChatMemory;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.listener.ChatModelRequestContext;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.service.SystemMessage;
import dev.langchain4j.service.TokenStream;
import dev.langchain4j.service.UserMessage;
import dev.langchain4j.service.V;
import dev.langchain4j.service.spring.AiService;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

import io.github.chaijlama.langchain4j.ChaiTokenCountEstimator;

/** An application as LangChain4j users write it: an interface, a memory, and starters on the class path. */
@SpringBootApplication(proxyBeanMethods = false)
class AssistantApplication {

    /** Somebody to talk to. */
    @AiService
    interface Assistant {
        @SystemMessage("You are a helpful friend of {{name}}.")
        @UserMessage("{{question}}")
        String ask(@V("name") String name, @V("question") String question);

        TokenStream tell(String question);
    }

    /** Remembers the requests that reached the model. */
    static final class Requests implements ChatModelListener {
        final List<ChatRequest> seen = new CopyOnWriteArrayList<>();

        @Override
        public void onRequest(ChatModelRequestContext context) {
            seen.add(context.chatRequest());
        }
    }

    @Bean
    Requests requests() {
        return new Requests();
    }

    @Bean
    ChatMemory memory(ChaiTokenCountEstimator estimator) {
        return TokenWindowChatMemory.withMaxTokens(1500, estimator);
    }
}
