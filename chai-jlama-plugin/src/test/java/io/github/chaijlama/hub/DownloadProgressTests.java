// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

class DownloadProgressTests {
    private final AtomicLong seconds = new AtomicLong();
    private final DownloadProgress progress = new DownloadProgress("a/b", 1_000_000_000,
            () -> TimeUnit.SECONDS.toNanos(seconds.get()));

    private String lineAt(long second) {
        seconds.set(second);
        return progress.line();
    }

    @Test
    void whatWasThereBeforeCountsForTheShareAndNotForTheRate() {
        progress.present(500_000_000);
        assertThat(lineAt(5)).isEqualTo("Downloading a/b: 500.0 MB of 1.0 GB (50 %), nothing comes at the moment");
        progress.received(50_000_000);
        assertThat(lineAt(10))
                .isEqualTo("Downloading a/b: 550.0 MB of 1.0 GB (55 %), 5.0 MB/s, 1 min 30 s left");
    }

    @Test
    void theRateIsThatOfTheLastHalfMinute() {
        for (int second = 5; second <= 60; second += 5) {
            progress.received(10_000_000);
            lineAt(second);
        }
        assertThat(progress.line()).contains("2.0 MB/s, 7 min 20 s left");
        for (int second = 65; second <= 120; second += 5) {
            progress.received(1_000_000);
            lineAt(second);
        }
        assertThat(progress.line()).contains("(13 %), 200.0 kB/s, 1 h 12 min left");
        assertThat(progress.summary()).isEqualTo("Downloaded a/b: 132.0 MB in 2 min 00 s, 1.1 MB/s");
    }

    @ParameterizedTest
    @CsvSource({ "0, 0 bytes", "999, 999 bytes", "1000, 1.0 kB", "999949, 999.9 kB", "999950, 1.0 MB",
            "14900000000, 14.9 GB", "2000000000000000, 2000.0 TB" })
    void bytesHaveUnits(long bytes, String text) {
        assertThat(TransferText.bytes(bytes)).isEqualTo(text);
    }
}
