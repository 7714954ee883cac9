// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.servlet.http.HttpServletResponse;

import io.github.chaijlama.generate.Cancellation;

/**
 * What goes back to the client of one request: one JSON text, or server-sent events. Thread-safe: the model's thread
 * writes, and the one that {@linkplain #await waits} for the end keeps the connection alive meanwhile. A client that
 * has gone is noticed when something is written, and then the request is cancelled.
 */
final class Reply {
    private static final byte[] EVENT = bytes("data: ");
    private static final byte[] END_OF_EVENT = bytes("\n\n");
    private static final byte[] LAST_EVENT = bytes("data: [DONE]\n\n");
    /** A comment among server-sent events, and white space before a JSON text. */
    private static final byte[] COMMENT = bytes(": keep-alive\n\n");
    private static final byte[] SPACE = bytes(" ");

    private final HttpServletResponse response;
    private final boolean events;
    private final Cancellation cancellation;
    private final CountDownLatch end = new CountDownLatch(1);
    private final ReentrantLock lock = new ReentrantLock();
    /** Whether the status has been sent. Guarded by the lock, as all below. */
    private boolean begun;
    private boolean ended;
    private long lastWritten = System.nanoTime();

    /**
     * Creates a reply of which nothing has been sent.
     *
     * @param events       whether it consists of server-sent events
     * @param cancellation ends the answer when the client has gone
     */
    Reply(HttpServletResponse response, boolean events, Cancellation cancellation) {
        this.response = response;
        this.events = events;
        this.cancellation = cancellation;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Sends an event. */
    void event(JsonNode data) {
        write(false, EVENT, Json.bytes(data), END_OF_EVENT);
    }

    /** Sends the event that says that there are no more. */
    void endEvents() {
        write(true, LAST_EVENT);
    }

    /** Sends the whole answer. */
    void whole(JsonNode answer) {
        write(true, Json.bytes(answer));
    }

    /** Sends an error: with its status, or where another one has been sent, in the place of the answer. */
    void fail(OpenAiException error) {
        lock.lock();
        try {
            if (!begun && !ended) {
                send(response, error);
                finish();
            } else if (events) {
                write(true, EVENT, Json.bytes(error.body()), END_OF_EVENT);
            } else {
                write(true, Json.bytes(error.body()));
            }
        } catch (IOException e) {
            clientHasGone();
        } finally {
            lock.unlock();
        }
        cancellation.cancel();
    }

    /** Sends an error as the whole response. */
    static void send(HttpServletResponse response, OpenAiException error) throws IOException {
        response.setStatus(error.status());
        error.challenge().ifPresent(challenge -> response.setHeader("WWW-Authenticate", challenge));
        error.retryAfter().ifPresent(seconds -> response.setHeader("Retry-After", Integer.toString(seconds)));
        sendJson(response, error.body());
    }

    /** Sends JSON as the whole response. */
    static void sendJson(HttpServletResponse response, JsonNode json) throws IOException {
        byte[] body = Json.bytes(json);
        response.setContentType("application/json");
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
        response.flushBuffer();
    }

    /** Waits for the end. Whenever nothing was sent for a time, sends what clients pass over; 0 for never. */
    void await(Duration keepAlive) {
        long interval = keepAlive.toNanos();
        try {
            if (interval == 0) {
                end.await();
            }
            while (!end.await(interval, TimeUnit.NANOSECONDS)) {
                keepAlive(interval);
            }
        } catch (InterruptedException e) { // the server has seen that the client has gone
            clientHasGone();
            Thread.currentThread().interrupt();
        }
    }

    private void keepAlive(long interval) {
        if (lock.tryLock()) { // or something is being sent
            try {
                if (System.nanoTime() - lastWritten >= interval) {
                    write(false, events ? COMMENT : SPACE);
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private void write(boolean last, byte[]... parts) {
        lock.lock();
        try {
            if (ended) {
                return;
            }
            if (!begun) {
                begin(last, parts);
            }
            OutputStream out = response.getOutputStream();
            for (byte[] part : parts) {
                out.write(part);
            }
            response.flushBuffer();
            lastWritten = System.nanoTime();
            if (last) {
                finish();
            }
        } catch (IOException e) {
            clientHasGone();
        } finally {
            lock.unlock();
        }
    }

    private void begin(boolean last, byte[]... parts) {
        begun = true;
        response.setStatus(HttpServletResponse.SC_OK);
        if (events) {
            response.setContentType("text/event-stream;charset=UTF-8");
            response.setHeader("Cache-Control", "no-cache");
            response.setHeader("X-Accel-Buffering", "no"); // nginx would hold events back
        } else {
            response.setContentType("application/json");
            if (last) {
                response.setContentLength(parts[0].length);
            }
        }
    }

    private void clientHasGone() {
        finish();
        cancellation.cancel();
    }

    private void finish() {
        lock.lock();
        try {
            ended = true;
        } finally {
            lock.unlock();
        }
        end.countDown();
    }
}
