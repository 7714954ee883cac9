// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import org.junit.jupiter.api.Test;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What one request says of its own attention and seed. */
class RequestParametersTests {

    private static ChatResponse ask(ChaiChatModel model, ChatRequestParameters parameters) {
        return model.chat(ChatRequest.builder().messages(UserMessage.from(Pocket.QUESTION)).parameters(parameters)
                .build());
    }

    private static AttentionMode attention(ChatResponse response) {
        return ((ChaiChatResponseMetadata) response.metadata()).attention();
    }

    private static ChaiChatRequestParameters.Builder parameters() {
        return ChaiChatRequestParameters.builder();
    }

    @Test
    void aRequestHasTheAttentionThatItAsksFor() {
        try (ChaiEngine engine = Pocket.engine();
                ChaiChatModel model = ChaiChatModel.builder().engine(engine).build()) {
            ChaiChatRequestParameters exact = parameters().attention(AttentionMode.EXACT).build();
            ChatResponse response = ask(model, exact);
            assertThat(attention(response)).isEqualTo(AttentionMode.EXACT);
            int tokens = response.tokenUsage().totalTokenCount() - 1; // the end token is never fed
            assertThat(((ChaiChatResponseMetadata) response.metadata()).kvCacheBytes()).hasValue(tokens * 96L * 32 * 4);
            assertThat(attention(ask(model, parameters().build()))).isEqualTo(AttentionMode.CLUSTERED);

            ChaiChatModel byDefault = ChaiChatModel.builder().engine(engine).defaultRequestParameters(exact).build();
            assertThat(attention(ask(byDefault, ChatRequestParameters.builder().build())))
                    .isEqualTo(AttentionMode.EXACT);
            assertThat(attention(ask(byDefault, parameters().attention(AttentionMode.CLUSTERED).build())))
                    .isEqualTo(AttentionMode.CLUSTERED);
            assertThatThrownBy(() -> ask(model, parameters().attention(AttentionMode.STOCK).build()))
                    .isInstanceOf(InvalidRequestException.class).hasMessageContaining("cannot run a STOCK session");
        }
    }

    @Test
    void clusteredAttentionNeedsAProfile() {
        try (ChaiChatModel exact = ChaiChatModel.builder().modelDirectory(Pocket.MODEL).options(ChaiOptions.exact())
                .build()) {
            assertThatThrownBy(() -> ask(exact, parameters().attention(AttentionMode.CLUSTERED).build()))
                    .isInstanceOf(InvalidRequestException.class).hasMessageContaining("needs a cluster profile");
        }
    }

    @Test
    void aRequestsSeedComesBeforeTheModels() {
        try (ChaiEngine engine = Pocket.engine()) {
            ChaiChatModel.Builder builder = ChaiChatModel.builder().engine(engine).temperature(1.3)
                    .maxOutputTokens(30);
            String five = builder.seed(5L).build().chat("Tell me a story.");
            ChaiChatModel six = builder.seed(6L).build();
            assertThat(six.chat("Tell me a story.")).isNotEqualTo(five);
            assertThat(six.chat(ChatRequest.builder().messages(UserMessage.from("Tell me a story."))
                    .parameters(parameters().seed(5L).build()).build()).aiMessage().text()).isEqualTo(five);
        }
    }

    @Test
    void attentionAndSeedAreMergedAndCompared() {
        ChaiChatRequestParameters own = parameters().attention(AttentionMode.EXACT).seed(5L).build();
        assertThat(own.overrideWith(parameters().seed(6L).build()))
                .isEqualTo(parameters().attention(AttentionMode.EXACT).seed(6L).build());
        assertThat(own.defaultedBy(parameters().attention(AttentionMode.CLUSTERED).seed(6L).build())).isEqualTo(own)
                .hasSameHashCodeAs(own);
        assertThat(own).isNotEqualTo(parameters().attention(AttentionMode.EXACT).build())
                .isNotEqualTo(parameters().seed(5L).build());
        assertThat(own).asString().contains("attention=EXACT").contains("seed=5");
    }
}
