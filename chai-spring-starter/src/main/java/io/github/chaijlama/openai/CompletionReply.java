// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.Objects;
import java.util.function.Consumer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.model.StreamingResponseHandler;
import dev.langchain4j.model.output.Response;
import org.jspecify.annotations.Nullable;

/** Sends the continuation of a text as OpenAI's API would: while it comes, or whole. */
final class CompletionReply implements StreamingResponseHandler<String> {
    private final Reply reply;
    private final StreamChoice stream;
    private final Answers answer;
    private final Consumer<Throwable> failure;

    /**
     * Creates a handler of one text.
     *
     * @param failure told when there is none
     */
    CompletionReply(Reply reply, StreamChoice stream, String model, Consumer<Throwable> failure) {
        this.reply = reply;
        this.stream = stream;
        this.answer = Answers.begin("cmpl-", "text_completion", model);
        this.failure = failure;
    }

    @Override
    public void onNext(String text) {
        if (stream.events()) {
            ObjectNode part = part(text, null);
            reply.event(stream.withUsage() ? part.putNull("usage") : part);
        }
    }

    @Override
    public void onComplete(Response<String> response) {
        String reason = Answers.finishReason(response.finishReason());
        ObjectNode usage = Answers.usage(Objects.requireNonNull(response.tokenUsage()),
                response.metadata().get("cachedPromptTokens") instanceof Integer tokens ? tokens : 0);
        if (!stream.events()) {
            reply.whole(part(response.content(), reason).set("usage", usage));
            return;
        }
        ObjectNode last = part("", reason);
        reply.event(stream.withUsage() ? last.putNull("usage") : last);
        if (stream.withUsage()) {
            ObjectNode counts = answer.part();
            counts.putArray("choices");
            reply.event(counts.set("usage", usage));
        }
        reply.endEvents();
    }

    @Override
    public void onError(Throwable error) {
        failure.accept(error);
    }

    private ObjectNode part(String text, @Nullable String finishReason) {
        ObjectNode part = answer.part();
        part.putArray("choices").addObject().put("text", text).put("index", 0).putNull("logprobs").put("finish_reason",
                finishReason);
        return part;
    }
}
