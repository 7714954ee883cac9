// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import org.junit.jupiter.api.Nested;

/**
 * LangChain4j's contract, with answers that are written and everything else as it is. Left out, because LangChain4j
 * decides by {@code supports...()}: images and other media, which this model does not read, and the opposites of what
 * it supports. Streams of chats are in {@link ScriptedStreamingContractTests}.
 */
class ScriptedContractTests {
    @Nested
    class Chat extends Contracts.Chat {
        Chat() {
            super(ContractEngine.Scripted.ENGINE);
        }
    }

    @Nested
    class ChatListener extends Contracts.ChatListener {
        ChatListener() {
            super(ContractEngine.Scripted.ENGINE);
        }
    }

    @Nested
    class StreamingChatListener extends Contracts.StreamingChatListener {
        StreamingChatListener() {
            super(ContractEngine.Scripted.ENGINE);
        }
    }

    @Nested
    class AiService extends Contracts.AiService {
        AiService() {
            super(ContractEngine.Scripted.ENGINE);
        }
    }

    @Nested
    class AiServiceWithTools extends Contracts.AiServiceWithTools {
        AiServiceWithTools() {
            super(ContractEngine.Scripted.ENGINE);
        }
    }

    @Nested
    class AiServiceWithJsonSchema extends Contracts.AiServiceWithJsonSchema {
        AiServiceWithJsonSchema() {
            super(ContractEngine.Scripted.ENGINE);
        }
    }

    @Nested
    class StreamingAiService extends Contracts.StreamingAiService {
        StreamingAiService() {
            super(ContractEngine.Scripted.ENGINE);
        }
    }
}
