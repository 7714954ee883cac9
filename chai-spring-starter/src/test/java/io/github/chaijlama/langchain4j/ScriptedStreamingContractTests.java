// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import org.junit.jupiter.api.Nested;

/**
 * The part of {@link ScriptedContractTests} that is about streams of chats. It is a class of its own because one of
 * these tests sleeps for half a minute, to see that a cancelled stream stays silent; the others run meanwhile.
 */
class ScriptedStreamingContractTests {
    @Nested
    class StreamingChat extends Contracts.StreamingChat {
        StreamingChat() {
            super(ContractEngine.Scripted.ENGINE);
        }
    }
}
