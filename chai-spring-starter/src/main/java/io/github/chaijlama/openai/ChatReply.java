// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.List;
import java.util.function.Consumer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.langchain4j.ChaiChatResponseMetadata;

/** Sends the answer of a chat model as OpenAI's API would: while it comes, or whole. */
final class ChatReply implements StreamingChatResponseHandler {
    private final Reply reply;
    private final StreamChoice stream;
    private final boolean oneCall;
    private final Answers answer;
    private final Consumer<Throwable> failure;
    private boolean begun;
    /** Index of the call whose name and id were sent last. */
    private int lastCall = -1;

    /**
     * Creates a handler of one answer.
     *
     * @param failure told when there is none
     */
    ChatReply(Reply reply, ChatCall call, String model, Consumer<Throwable> failure) {
        this.reply = reply;
        this.stream = call.stream();
        this.oneCall = call.oneCall();
        this.answer = Answers.begin("chatcmpl-", stream.events() ? "chat.completion.chunk" : "chat.completion", model);
        this.failure = failure;
    }

    @Override
    public void onPartialResponse(String text) {
        send(delta -> delta.put("content", text));
    }

    @Override
    public void onPartialThinking(PartialThinking thinking) {
        send(delta -> delta.put("reasoning_content", thinking.text()));
    }

    @Override
    public void onPartialToolCall(PartialToolCall call) {
        if (oneCall && call.index() > 0) {
            return;
        }
        send(delta -> {
            ObjectNode json = delta.putArray("tool_calls").addObject().put("index", call.index());
            ObjectNode function = Json.object();
            if (call.index() != lastCall) { // clients put together what comes, ids and names too
                lastCall = call.index();
                json.put("id", call.id()).put("type", "function");
                function.put("name", call.name());
            }
            json.set("function", function.put("arguments", call.partialArguments()));
        });
    }

    @Override
    public void onCompleteResponse(ChatResponse response) {
        if (!stream.events()) {
            reply.whole(whole(response));
            return;
        }
        begin();
        reply.event(chunk(Json.object(), Answers.finishReason(response.finishReason())));
        if (stream.withUsage()) {
            ObjectNode usage = answer.part();
            usage.putArray("choices");
            reply.event(usage.set("usage", usage(response)));
        }
        reply.endEvents();
    }

    @Override
    public void onError(Throwable error) {
        failure.accept(error);
    }

    private void send(Consumer<ObjectNode> content) {
        if (stream.events()) {
            begin();
            ObjectNode delta = Json.object();
            content.accept(delta);
            reply.event(chunk(delta, null));
        }
    }

    private void begin() {
        if (!begun) {
            begun = true;
            reply.event(chunk(Json.object().put("role", "assistant").put("content", ""), null));
        }
    }

    private ObjectNode chunk(ObjectNode delta, @Nullable String finishReason) {
        ObjectNode chunk = answer.part();
        ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
        choice.set("delta", delta);
        choice.putNull("logprobs").put("finish_reason", finishReason);
        return stream.withUsage() ? chunk.putNull("usage") : chunk;
    }

    private ObjectNode whole(ChatResponse response) {
        AiMessage said = response.aiMessage();
        ObjectNode json = answer.part();
        ObjectNode choice = json.putArray("choices").addObject().put("index", 0);
        ObjectNode message = choice.putObject("message").put("role", "assistant").put("content", said.text())
                .putNull("refusal");
        if (said.thinking() != null) {
            message.put("reasoning_content", said.thinking());
        }
        List<ToolExecutionRequest> calls = said.toolExecutionRequests();
        if (!calls.isEmpty()) {
            ArrayNode list = message.putArray("tool_calls");
            calls.subList(0, oneCall ? 1 : calls.size()).forEach(call -> list.addObject().put("id", call.id())
                    .put("type", "function").putObject("function").put("name", call.name())
                    .put("arguments", call.arguments()));
        }
        choice.putNull("logprobs").put("finish_reason", Answers.finishReason(response.finishReason()));
        return json.set("usage", usage(response));
    }

    private static ObjectNode usage(ChatResponse response) {
        ChatResponseMetadata metadata = response.metadata();
        return Answers.usage(metadata.tokenUsage(),
                metadata instanceof ChaiChatResponseMetadata own ? own.cachedPromptTokens() : 0);
    }
}
