// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Optional;

import jakarta.servlet.http.HttpServletRequest;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationListener;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.util.unit.DataSize;

/** Lets requests in: those with the key, if there is one, of a size that is allowed, and none once the end is near. */
final class Gate implements ApplicationListener<ContextClosedEvent> {
    private static final String BEARER = "bearer ";

    private final ApplicationContext context;
    private final Optional<byte[]> key;
    private final int maxRequestBytes;
    private volatile boolean stopping;

    /**
     * Creates the gate of an application.
     *
     * @throws InvalidConfigurationPropertyValueException if a property is impossible
     */
    Gate(ApplicationContext context, ChaiOpenAiProperties properties) {
        String apiKey = properties.apiKey();
        if (apiKey != null && apiKey.isBlank()) { // of a variable that is not set, for instance; not an open door
            throw new InvalidConfigurationPropertyValueException("chai.openai.api-key", apiKey,
                    "Must not be blank. To serve everybody, do not set it.");
        }
        DataSize size = properties.maxRequestSize();
        if (size.toBytes() < 1 || size.toBytes() > Integer.MAX_VALUE - 16) {
            throw new InvalidConfigurationPropertyValueException("chai.openai.max-request-size", size,
                    "Must be at least 1 byte and less than 2 GB.");
        }
        if (properties.keepAlive().isNegative()) {
            throw new InvalidConfigurationPropertyValueException("chai.openai.keep-alive", properties.keepAlive(),
                    "Must not be negative.");
        }
        this.context = context;
        this.key = Optional.ofNullable(apiKey).map(text -> text.getBytes(StandardCharsets.UTF_8));
        this.maxRequestBytes = (int) size.toBytes();
    }

    @Override
    public void onApplicationEvent(ContextClosedEvent event) {
        if (event.getApplicationContext().equals(context)) { // and not one below it
            stopping = true;
        }
    }

    /** Whether the application ends. */
    boolean isStopping() {
        return stopping;
    }

    /**
     * Lets a request in, also when the application ends.
     *
     * @param method the only one that makes sense
     * @throws OpenAiException if it may not come in
     */
    void admit(HttpServletRequest request, String method) {
        key.ifPresent(expected -> requireKey(request, expected));
        if (!request.getMethod().equals(method)) {
            throw OpenAiException.invalid(405, null, null, "the method " + request.getMethod()
                    + " is not supported here: expected " + method);
        }
    }

    private static void requireKey(HttpServletRequest request, byte[] expected) {
        String header = request.getHeader("Authorization");
        if (header == null || !header.toLowerCase(Locale.ROOT).startsWith(BEARER)) {
            throw OpenAiException.invalid(401, null, null,
                    "there is no API key: expected a header 'Authorization: Bearer' and the key");
        }
        byte[] found = header.substring(BEARER.length()).strip().getBytes(StandardCharsets.UTF_8);
        if (!MessageDigest.isEqual(expected, found)) { // in a time that says nothing of how much of it is right
            throw OpenAiException.invalid(401, null, "invalid_api_key", "the API key is not the right one");
        }
    }

    /**
     * Reads the body of a request.
     *
     * @throws OpenAiException if it is too large, or is not said to be JSON: a browser sends that for other sites only
     *                         if it is allowed to, and forms it always sends
     */
    byte[] body(HttpServletRequest request) throws IOException {
        String type = request.getContentType();
        if (type == null || !type.toLowerCase(Locale.ROOT).startsWith("application/json")) {
            throw OpenAiException.invalid(415, null, null, "expected a header 'Content-Type: application/json', found "
                    + (type == null ? "none" : "'" + type + "'"));
        }
        if (request.getContentLengthLong() > maxRequestBytes) {
            throw tooLarge();
        }
        byte[] body = request.getInputStream().readNBytes(maxRequestBytes + 1);
        if (body.length > maxRequestBytes) {
            throw tooLarge();
        }
        return body;
    }

    private OpenAiException tooLarge() {
        return OpenAiException.invalid(413, null, "request_too_large", "the body of the request is too large: expected "
                + "at most " + maxRequestBytes + " bytes (chai.openai.max-request-size)");
    }
}
