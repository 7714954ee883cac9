// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.Optional;
import java.util.OptionalInt;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/** A request that ends with one of OpenAI's errors. Its message is for whoever sent the request. */
final class OpenAiException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    /** Nobody knows when there will be a place; clients wait longer every time anyway. */
    private static final int RETRY_AFTER_SECONDS = 5;

    private final int status;
    private final String type;
    private final @Nullable String param;
    private final @Nullable String code;

    private OpenAiException(int status, String type, @Nullable String param, @Nullable String code, String message) {
        super(message);
        this.status = status;
        this.type = type;
        this.param = param;
        this.code = code;
    }

    /** The request is wrong; it is no use to send it again. */
    static OpenAiException invalid(int status, @Nullable String param, @Nullable String code, String message) {
        return new OpenAiException(status, "invalid_request_error", param, code, message);
    }

    /** A field of the request has a value that it cannot have. */
    static OpenAiException wrong(String param, String message) {
        return invalid(400, param, "invalid_value", message);
    }

    /** The request asks for something that is not done here. */
    static OpenAiException unsupported(@Nullable String param, String message) {
        return invalid(400, param, "unsupported_parameter", message);
    }

    /** As many requests are here as are taken on. */
    static OpenAiException busy(String message) {
        return new OpenAiException(429, "rate_limit_error", null, "rate_limit_exceeded", message);
    }

    /** The application ends, or the model was closed. */
    static OpenAiException stopping() {
        return new OpenAiException(503, "service_unavailable_error", null, "stopping",
                "this server is stopping; try again later");
    }

    /** The request took longer than is allowed. */
    static OpenAiException timeout(String message) {
        return new OpenAiException(504, "timeout_error", null, "timeout", message);
    }

    /** Something failed that is not the sender's affair. */
    static OpenAiException failed() {
        return new OpenAiException(500, "server_error", null, "internal_error",
                "the server failed to answer this request; its log says why");
    }

    int status() {
        return status;
    }

    /** Returns the ways that the resource can be asked, if the request asked in another. */
    Optional<String> challenge() {
        return status == 401 ? Optional.of("Bearer") : Optional.empty();
    }

    /** Returns the seconds after which to try again, if that is of any use. */
    OptionalInt retryAfter() {
        return status == 429 || status == 503 ? OptionalInt.of(RETRY_AFTER_SECONDS) : OptionalInt.empty();
    }

    /** Returns OpenAI's error body. */
    ObjectNode body() {
        ObjectNode body = Json.object();
        body.putObject("error").put("message", getMessage()).put("type", type).put("param", param).put("code", code);
        return body;
    }
}
