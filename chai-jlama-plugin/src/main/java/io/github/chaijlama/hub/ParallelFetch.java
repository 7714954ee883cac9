// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.io.IOException;
import java.util.Collection;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

/** Fetches several files at once, and says how far that is. What fails ends all; what had come stays. */
final class ParallelFetch {
    /** More connections than these bring no more bytes, as a rule, and the hub limits them. */
    private static final int AT_ONCE = 4;
    private static final int SECONDS_TO_END = 30;

    private final BlobDownload blobs;
    private final HubTimes times;
    private final ScheduledExecutorService timer;
    private final Consumer<String> lines;

    ParallelFetch(BlobDownload blobs, HubTimes times, ScheduledExecutorService timer, Consumer<String> lines) {
        this.blobs = blobs;
        this.times = times;
        this.timer = timer;
        this.lines = lines;
    }

    /** Fetches files; returns when all are there, throws when nobody works on any of them any more. */
    void fetch(Collection<HubFile> files, DownloadProgress progress) throws IOException, InterruptedException {
        long interval = times.report().toNanos();
        ScheduledFuture<?> report = timer.scheduleAtFixedRate(() -> lines.accept(progress.line()), interval, interval,
                TimeUnit.NANOSECONDS);
        ExecutorService pool = Executors.newFixedThreadPool(AT_ONCE,
                Thread.ofPlatform().daemon().name("chai-download-", 0).factory());
        try {
            CompletionService<@Nullable Void> done = new ExecutorCompletionService<>(pool);
            for (HubFile file : files) {
                Future<@Nullable Void> _ = done.submit(() -> {
                    blobs.fetch(file, progress);
                    return null;
                });
            }
            for (int i = 0; i < files.size(); i++) {
                rethrow(done.take());
            }
        } finally {
            report.cancel(false);
            pool.shutdownNow();
            boolean _ = pool.awaitTermination(SECONDS_TO_END, TimeUnit.SECONDS);
        }
    }

    private static void rethrow(Future<@Nullable Void> fetched) throws IOException, InterruptedException {
        try {
            fetched.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException cause -> throw cause;
                case HubException cause -> throw cause;
                case InterruptedException _ -> throw new InterruptedException("a download was ended");
                case null, default -> throw new IllegalStateException("a download failed", e.getCause());
            }
        }
    }
}
