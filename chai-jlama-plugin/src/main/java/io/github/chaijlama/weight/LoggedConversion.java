// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.util.function.Consumer;
import java.util.function.LongSupplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs how far weights have been converted, a line every few seconds. Not thread-safe. */
public final class LoggedConversion implements ConversionProgress {
    private static final Logger logger = LoggerFactory.getLogger(LoggedConversion.class);
    private static final long NANOS_BETWEEN_LINES = 5_000_000_000L;

    private final Consumer<String> log;
    private final LongSupplier clock;
    private long lastLine;

    /** Starts the clock. */
    public LoggedConversion() {
        this(logger::info, System::nanoTime);
    }

    LoggedConversion(Consumer<String> log, LongSupplier clock) {
        this.log = log;
        this.clock = clock;
        this.lastLine = clock.getAsLong();
    }

    @Override
    public void report(long done, long total) {
        long now = clock.getAsLong();
        if (now - lastLine >= NANOS_BETWEEN_LINES && done < total) {
            lastLine = now;
            log.accept("Converting weights: " + 100 * done / total + " %");
        }
    }
}
