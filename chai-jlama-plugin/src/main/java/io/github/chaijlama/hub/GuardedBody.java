// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Reads the body of an answer, and gives up when nothing comes for a while; Java's client would wait for ever. */
final class GuardedBody implements AutoCloseable {
    private final HubClient.Answer answer;
    private final HubTimes times;
    private final ScheduledFuture<?> guard;
    private volatile long askedAt;
    /** Whether somebody waits for bytes; who writes them to a slow disk is no fault of the server. */
    private volatile boolean waiting;
    private volatile boolean stalled;

    GuardedBody(HubClient.Answer answer, HubTimes times, ScheduledExecutorService timer) {
        this.answer = answer;
        this.times = times;
        long interval = times.answer().toNanos() / 8;
        this.guard = timer.scheduleWithFixedDelay(this::look, interval, interval, TimeUnit.NANOSECONDS);
    }

    private void look() {
        if (waiting && System.nanoTime() - askedAt > times.answer().toNanos()) {
            stalled = true;
            answer.close(); // wakes who reads
        }
    }

    /**
     * Reads some bytes.
     *
     * @return how many, -1 at the end
     * @throws PassingTrouble if the connection breaks or nothing comes
     */
    int read(byte[] bytes) throws PassingTrouble {
        InputStream body = answer.body();
        try {
            askedAt = System.nanoTime();
            waiting = true;
            int read = body.read(bytes);
            if (!stalled) {
                return read;
            }
        } catch (IOException e) {
            if (!stalled) {
                throw new PassingTrouble("the connection to " + answer.host() + " broke: "
                        + Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName()), e);
            }
        } finally {
            waiting = false;
        }
        throw new PassingTrouble(answer.host() + " sent nothing for " + TransferText.time(times.answer().toSeconds()));
    }

    /**
     * Reads everything.
     *
     * @throws HubException if it is more than anybody means to send
     */
    byte[] readAll(int most) throws PassingTrouble {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] chunk = new byte[1 << 14];
        for (int read = read(chunk); read >= 0; read = read(chunk)) {
            all.write(chunk, 0, read);
            if (all.size() > most) {
                throw new HubException(answer.host() + " sends more than " + TransferText.bytes(most)
                        + " where a list of files was expected", "Check HF_ENDPOINT.");
            }
        }
        return all.toByteArray();
    }

    @Override
    public void close() {
        guard.cancel(false);
    }
}
