// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.task.SimpleAsyncTaskExecutor;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.context.request.async.WebAsyncTask;
import org.springframework.web.servlet.ModelAndView;

import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.StoppingException;
import io.github.chaijlama.langchain4j.ChaiStreamingLanguageModel;

/**
 * OpenAI's API on the models of this application. It reads and writes JSON itself, whatever the application's
 * converters and advices are, and answers each request on a thread of its own, so that none of the server's waits for a
 * model.
 */
@Controller
public class OpenAiController {
    private static final Logger logger = LoggerFactory.getLogger(OpenAiController.class);
    private static final String MODELS = "/v1/models";
    /** The scheduler has the limit. */
    private static final long NO_TIMEOUT = -1;

    private final ServedModels models;
    private final Gate gate;
    private final Duration keepAlive;
    private final long created = Instant.now().getEpochSecond();
    private final SimpleAsyncTaskExecutor threads = new SimpleAsyncTaskExecutor("chai-openai-");

    OpenAiController(ServedModels models, Gate gate, Duration keepAlive) {
        this.models = models;
        this.gate = gate;
        this.keepAlive = keepAlive;
        threads.setVirtualThreads(true);
    }

    /** Answers a conversation. Null if the request was refused at once. */
    @RequestMapping("/v1/chat/completions")
    public @Nullable WebAsyncTask<ModelAndView> chatCompletions(HttpServletRequest request,
            HttpServletResponse response) throws IOException {
        return serve(request, response, (body, cancellation) -> {
            ServedModel model = model(body);
            ChatCall call = ChatCall.read(body, cancellation);
            Reply reply = new Reply(response, call.stream().events(), cancellation);
            return new Exchange(reply, () -> model.chat().chat(call.request(),
                    new ChatReply(reply, call, model.name(), failure -> fail(reply, failure))));
        });
    }

    /** Continues a text. Null if the request was refused at once. */
    @RequestMapping("/v1/completions")
    public @Nullable WebAsyncTask<ModelAndView> completions(HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        return serve(request, response, (body, cancellation) -> {
            ServedModel model = model(body);
            ChaiStreamingLanguageModel language = model.language().orElseThrow(() -> OpenAiException.unsupported(
                    "model", "the model '" + model.name() + "' is for chats only: expected /v1/chat/completions"));
            CompletionCall call = CompletionCall.read(body, cancellation);
            Reply reply = new Reply(response, call.stream().events(), cancellation);
            return new Exchange(reply, () -> language.generate(call.prompt(), call.parameters(),
                    new CompletionReply(reply, call.stream(), model.name(), failure -> fail(reply, failure))));
        });
    }

    /** Lists the models. */
    @RequestMapping(MODELS)
    public void models(HttpServletRequest request, HttpServletResponse response) throws IOException {
        try {
            admitReader(request);
            ObjectNode list = Json.object().put("object", "list");
            ArrayNode data = list.putArray("data");
            models.all().forEach(model -> data.add(describe(model)));
            Reply.sendJson(response, list);
        } catch (OpenAiException e) {
            Reply.send(response, e);
        }
    }

    /** Describes one model, whose name may have slashes. */
    @RequestMapping(MODELS + "/**")
    public void model(HttpServletRequest request, HttpServletResponse response) throws IOException {
        try {
            admitReader(request);
            String path = request.getRequestURI().substring(request.getContextPath().length());
            String name = URLDecoder.decode(path.substring(MODELS.length() + 1).replace("+", "%2B"),
                    StandardCharsets.UTF_8);
            Reply.sendJson(response, describe(named(name)));
        } catch (OpenAiException e) {
            Reply.send(response, e);
        }
    }

    private ObjectNode describe(ServedModel model) {
        return Json.object().put("id", model.name()).put("object", "model").put("created", created).put("owned_by",
                "chai");
    }

    /** Makes an exchange of a request's body. */
    private interface Plan {
        Exchange plan(ObjectNode body, Cancellation cancellation);
    }

    /**
     * A reply and what it is a reply to.
     *
     * @param start begins the answer, which then comes on another thread
     */
    private record Exchange(Reply reply, Runnable start) {}

    private @Nullable WebAsyncTask<ModelAndView> serve(HttpServletRequest request, HttpServletResponse response,
            Plan plan) throws IOException {
        Exchange exchange;
        try {
            gate.admit(request, "POST");
            ObjectNode body = Json.parse(gate.body(request));
            if (gate.isStopping()) {
                throw turnAway(body);
            }
            exchange = plan.plan(body, new Cancellation());
        } catch (RuntimeException e) {
            Reply.send(response, Errors.of(e, gate.isStopping()));
            return null;
        }
        return new WebAsyncTask<>(NO_TIMEOUT, threads, () -> answer(exchange));
    }

    private void admitReader(HttpServletRequest request) {
        gate.admit(request, "GET");
        if (gate.isStopping()) {
            throw OpenAiException.stopping();
        }
    }

    /** The model it names does not stop yet, and would not know of it. */
    private OpenAiException turnAway(ObjectNode body) {
        StoppingException _ = model(body).chat().engine().textModel().gate().refuse();
        return OpenAiException.stopping();
    }

    /** Returns no view: the answer has been written. */
    @SuppressWarnings("NullAway") // Spring's signature has no place for what its Javadoc allows
    private ModelAndView answer(Exchange exchange) {
        try {
            exchange.start().run();
        } catch (RuntimeException e) {
            fail(exchange.reply(), e);
        }
        exchange.reply().await(keepAlive);
        return null;
    }

    private void fail(Reply reply, Throwable failure) {
        OpenAiException error = Errors.of(failure, gate.isStopping());
        logger.debug("A request at /v1 ends with {}: {}", error.status(), error.getMessage());
        reply.fail(error);
    }

    private ServedModel model(ObjectNode body) {
        return named(new Fields(body, "").requiredText("model"));
    }

    private ServedModel named(String name) {
        List<ServedModel> all = models.all();
        return all.stream().filter(model -> model.name().equals(name)).findFirst()
                .orElseThrow(() -> OpenAiException.invalid(404, "model", "model_not_found", "there is no model '" + name
                        + "' here, only " + all.stream().map(model -> "'" + model.name() + "'")
                                .collect(Collectors.joining(", "))));
    }
}
