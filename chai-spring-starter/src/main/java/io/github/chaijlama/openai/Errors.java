// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.generate.StoppingException;
import io.github.chaijlama.schedule.PromptTooLongException;

/** Failures of a request as OpenAI's errors. What is not the sender's affair is logged, and told as that only. */
final class Errors {
    private static final Logger logger = LoggerFactory.getLogger(Errors.class);

    private Errors() {}

    /** Returns what the sender is told. */
    static OpenAiException of(Throwable failure, boolean stopping) {
        return switch (failure) {
            case OpenAiException e -> e;
            case UnsupportedFeatureException e -> OpenAiException.unsupported(null, message(e));
            case InvalidRequestException e -> OpenAiException.invalid(400, null,
                    isTooLong(e) ? "context_length_exceeded" : null, message(e));
            case RateLimitException e -> OpenAiException.busy(message(e));
            case TimeoutException e -> OpenAiException.timeout(message(e));
            case Throwable e when stopping || isClosed(e) -> OpenAiException.stopping();
            default -> {
                logger.error("A request at /v1 failed", failure);
                yield OpenAiException.failed();
            }
        };
    }

    private static boolean isTooLong(InvalidRequestException failure) {
        return failure.getCause() instanceof ContextLengthException
                || failure.getCause() instanceof PromptTooLongException;
    }

    /** A closed model, and its scheduler, throw nothing more special than one of these. */
    private static boolean isClosed(Throwable failure) {
        return failure.getCause() instanceof StoppingException
                || failure.getCause() instanceof IllegalStateException
                        && "the model is closed".equals(failure.getMessage());
    }

    private static String message(RuntimeException failure) {
        return failure.getMessage() == null ? "the request is not valid" : failure.getMessage();
    }
}
