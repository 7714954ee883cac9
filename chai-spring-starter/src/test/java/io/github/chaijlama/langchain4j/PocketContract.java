// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import org.junit.jupiter.api.Nested;

/** LangChain4j's contract, with Pocket as it is; {@link PocketContractReportTests} runs it. */
class PocketContract {
    @Nested
    class Chat extends Contracts.Chat {
        Chat() {
            super(ContractEngine.AsItIs.ENGINE);
        }
    }

    @Nested
    class StreamingChat extends Contracts.StreamingChat {
        StreamingChat() {
            super(ContractEngine.AsItIs.ENGINE);
        }
    }

    @Nested
    class ChatListener extends Contracts.ChatListener {
        ChatListener() {
            super(ContractEngine.AsItIs.ENGINE);
        }
    }

    @Nested
    class StreamingChatListener extends Contracts.StreamingChatListener {
        StreamingChatListener() {
            super(ContractEngine.AsItIs.ENGINE);
        }
    }

    @Nested
    class AiService extends Contracts.AiService {
        AiService() {
            super(ContractEngine.AsItIs.ENGINE);
        }
    }

    @Nested
    class AiServiceWithTools extends Contracts.AiServiceWithTools {
        AiServiceWithTools() {
            super(ContractEngine.AsItIs.ENGINE);
        }
    }

    @Nested
    class AiServiceWithJsonSchema extends Contracts.AiServiceWithJsonSchema {
        AiServiceWithJsonSchema() {
            super(ContractEngine.AsItIs.ENGINE);
        }
    }

    @Nested
    class StreamingAiService extends Contracts.StreamingAiService {
        StreamingAiService() {
            super(ContractEngine.AsItIs.ENGINE);
        }
    }
}
