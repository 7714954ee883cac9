// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** Counts what is there and what comes, and says how fast and how long still. Several threads count. */
final class DownloadProgress {
    /** The rate is that of the last half minute: what a connection does now says how long it will take. */
    private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final String what;
    private final long total;
    private final LongSupplier nanoTime;
    private final long start;
    private final AtomicLong present = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private final Deque<Sample> window = new ArrayDeque<>();

    /** What had been received at a time. */
    private record Sample(long nanos, long received) {}

    /**
     * Starts the clock.
     *
     * @param what  what is downloaded
     * @param total bytes in all
     */
    DownloadProgress(String what, long total, LongSupplier nanoTime) {
        this.what = what;
        this.total = total;
        this.nanoTime = nanoTime;
        this.start = nanoTime.getAsLong();
        window.add(new Sample(start, 0));
    }

    /** Counts bytes that need not come, or with a minus that must come again. */
    void present(long bytes) {
        present.addAndGet(bytes);
    }

    /** Counts bytes that have come. */
    void received(long bytes) {
        present.addAndGet(bytes);
        received.addAndGet(bytes);
    }

    /** Returns how far it is. */
    synchronized String line() {
        Sample now = new Sample(nanoTime.getAsLong(), received.get());
        window.add(now);
        while (window.size() > 2 && now.nanos() - window.getFirst().nanos() > WINDOW_NANOS) {
            window.removeFirst();
        }
        double rate = rate(window.getFirst(), now);
        long done = present.get();
        String line = "Downloading " + what + ": " + TransferText.bytes(done) + " of " + TransferText.bytes(total)
                + " ("
                + (total == 0 ? 100 : 100 * done / total) + " %), ";
        return rate < 1 ? line + "nothing comes at the moment"
                : line + TransferText.bytes((long) rate) + "/s, "
                        + TransferText.time((long) Math.ceil((total - done) / rate)) + " left";
    }

    /** Returns what it was in all. */
    String summary() {
        Sample now = new Sample(nanoTime.getAsLong(), received.get());
        double rate = rate(new Sample(start, 0), now);
        return "Downloaded " + what + ": " + TransferText.bytes(now.received()) + " in "
                + TransferText.time(TimeUnit.NANOSECONDS.toSeconds(now.nanos() - start)) + ", "
                + TransferText.bytes((long) rate) + "/s";
    }

    /** Returns bytes a second. */
    private static double rate(Sample from, Sample to) {
        return (to.received() - from.received()) * 1e9 / Math.max(1, to.nanos() - from.nanos());
    }
}
