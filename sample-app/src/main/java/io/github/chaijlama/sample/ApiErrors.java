// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.sample;

import java.time.Duration;
import java.util.Objects;
import java.util.OptionalLong;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;

import io.github.chaijlama.schedule.BusyException;

/**
 * Errors as RFC 9457 problems. What is wrong with a request it says in words; what is wrong here stays in the log.
 */
@RestControllerAdvice
class ApiErrors extends ResponseEntityExceptionHandler {
    private static final Logger logger = LoggerFactory.getLogger(ApiErrors.class);
    private static final Duration RETRY_AFTER = Duration.ofSeconds(2);
    private static final String INTERNAL = "The answer failed here; the application's log says why.";

    /**
     * An error as the one who asked sees it.
     *
     * @param retryAfterSeconds when to try again, empty if that is of no use
     */
    record Problem(HttpStatus status, String detail, OptionalLong retryAfterSeconds) {

        static Problem of(Throwable error) {
            return switch (error) {
                case InvalidRequestException e -> new Problem(HttpStatus.BAD_REQUEST, said(e), never());
                case UnsupportedFeatureException e -> new Problem(HttpStatus.BAD_REQUEST, said(e), never());
                case ConversationBusyException e -> new Problem(HttpStatus.CONFLICT, said(e), soon());
                // Too many requests wait, or there is no memory for keys and values now.
                case RateLimitException e -> new Problem(e.getCause() instanceof BusyException
                        ? HttpStatus.TOO_MANY_REQUESTS
                        : HttpStatus.SERVICE_UNAVAILABLE, said(e), soon());
                case TimeoutException e -> new Problem(HttpStatus.GATEWAY_TIMEOUT, said(e), soon());
                default -> new Problem(HttpStatus.INTERNAL_SERVER_ERROR, INTERNAL, never());
            };
        }

        private static String said(RuntimeException error) {
            return Objects.requireNonNullElse(error.getMessage(), error.getClass().getSimpleName());
        }

        private static OptionalLong never() {
            return OptionalLong.empty();
        }

        private static OptionalLong soon() {
            return OptionalLong.of(RETRY_AFTER.toSeconds());
        }
    }

    /** Answers everything that nothing else answers. */
    @ExceptionHandler
    @Nullable ResponseEntity<ProblemDetail> any(Exception error, HttpServletResponse response) {
        if (response.isCommitted()) {
            logger.debug("The response broke off", error);
            return null;
        }
        Problem problem = Problem.of(error);
        if (problem.status().is5xxServerError() && problem.retryAfterSeconds().isEmpty()) {
            logger.error("A request failed", error);
        }
        ResponseEntity.BodyBuilder builder = ResponseEntity.status(problem.status());
        problem.retryAfterSeconds().ifPresent(seconds -> builder.header(HttpHeaders.RETRY_AFTER,
                Long.toString(seconds)));
        return builder.body(ProblemDetail.forStatusAndDetail(problem.status(), problem.detail()));
    }

    @Override
    protected @Nullable ResponseEntity<Object> handleHttpMessageNotReadable(HttpMessageNotReadableException error,
            HttpHeaders headers, HttpStatusCode status, WebRequest request) {
        return ResponseEntity.badRequest().body(ProblemDetail.forStatusAndDetail(HttpStatus.BAD_REQUEST,
                "expected a JSON object with conversationId and message"));
    }
}
