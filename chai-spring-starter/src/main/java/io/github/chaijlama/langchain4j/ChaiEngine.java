// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.SharedResources;
import io.github.chaijlama.generate.GenerationConfig;
import io.github.chaijlama.generate.RequestGate;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.schedule.SchedulerLimits;

/**
 * A loaded model that any number of LangChain4j models share, so that its weights are in memory once, and read once for
 * all requests that are answered at the same time. Thread-safe.
 * Whoever creates the engine closes it.
 */
public final class ChaiEngine implements AutoCloseable {
    private static final Logger logger = LoggerFactory.getLogger(ChaiEngine.class);

    private final TextModel model;
    private final String modelName;
    private final ResponseConstraints constraints;
    private final ExecutorService streams;
    private final Runnable afterClose;
    private final AtomicBoolean closed = new AtomicBoolean();

    private ChaiEngine(TextModel model, String modelName, Runnable afterClose) {
        this.model = model;
        this.modelName = modelName;
        this.constraints = new ResponseConstraints(model.tokenizer());
        this.afterClose = afterClose;
        logDefaults(model.generationConfig());
        ThreadFactory threads = Thread.ofPlatform().daemon().name("chai-stream-", 0).factory();
        this.streams = Executors.newCachedThreadPool(threads);
    }

    private static void logDefaults(GenerationConfig own) {
        if (!own.describe().isEmpty()) {
            logger.info("Requests that say nothing else get what the model's generation_config.json says: {}",
                    own.describe());
        }
        if (!own.ignored().isEmpty()) {
            logger.info("Of the model's generation_config.json {} {} no effect here", String.join(", ", own.ignored()),
                    own.ignored().size() == 1 ? "has" : "have");
        }
    }

    /**
     * Loads a model.
     *
     * @param directory a model in Hugging Face layout
     * @param modelName name of the model in requests and responses
     * @throws io.github.chaijlama.model.ModelLoadException  if the model is missing, broken, or not supported
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    public static ChaiEngine load(Path directory, String modelName, ChaiOptions options) {
        return load(directory, modelName, options, SchedulerLimits.DEFAULT, () -> {});
    }

    /**
     * Loads a model.
     *
     * @param limits     how many requests are answered at once and wait, and how long they may be and take; Jlama's own
     *                   attention answers one after another, without limits
     * @param afterClose runs when the engine is closed and the model's files are no longer needed
     */
    public static ChaiEngine load(Path directory, String modelName, ChaiOptions options, SchedulerLimits limits,
            Runnable afterClose) {
        return new ChaiEngine(TextModel.load(directory, options, limits), modelName, afterClose);
    }

    /**
     * Loads a model that has its threads and the budget for keys and values together with others.
     *
     * @param options threads and the budget are those of what is shared, whatever they say
     * @param shared  stays open when the engine is closed
     */
    public static ChaiEngine load(Path directory, String modelName, ChaiOptions options, SchedulerLimits limits,
            SharedResources shared, Runnable afterClose) {
        return new ChaiEngine(TextModel.load(directory, options, limits, shared), modelName, afterClose);
    }

    /** Serves a model that is loaded already. The engine closes it. */
    static ChaiEngine of(TextModel model, String modelName) {
        return new ChaiEngine(model, modelName, () -> {});
    }

    /** Returns the model, for everything that LangChain4j has no words for. */
    public TextModel textModel() {
        return model;
    }

    /** Returns the name of the model in requests and responses. */
    public String modelName() {
        return modelName;
    }

    /** Returns the schemas that answers are held to. */
    ResponseConstraints constraints() {
        return constraints;
    }

    /** Runs a streaming answer on a thread of its own. */
    void stream(Runnable answer) {
        RequestGate.Pass pass = model.gate().stay();
        try {
            streams.execute(() -> {
                try (pass) {
                    answer.run();
                }
            });
        } catch (RejectedExecutionException e) {
            pass.close();
            throw new IllegalStateException("the model is closed", e);
        }
    }

    /**
     * Refuses new requests from now on, with a {@link dev.langchain4j.exception.InternalServerException} whose cause is
     * a {@link io.github.chaijlama.generate.StoppingException}, and does not wait. Answers that are being generated
     * come to their end: {@link #awaitAnswers()}.
     */
    public void refuseRequests() {
        model.gate().shut();
    }

    /** Takes on requests again after {@link #refuseRequests()}. */
    public void acceptRequests() {
        model.gate().open();
    }

    /** Whether new requests are refused. */
    public boolean isRefusing() {
        return model.gate().isShut();
    }

    /** Waits until no answer is being generated, or told to its handler, or the engine is closed. */
    public void awaitAnswers() throws InterruptedException {
        model.gate().awaitNobody();
    }

    /** Waits for a running step and frees everything. Answers that are being generated end with an error. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            streams.shutdown();
            try {
                model.close();
            } finally {
                afterClose.run();
            }
        }
    }
}
