// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class LoggedConversionTests {
    private final List<String> lines = new ArrayList<>();
    private long seconds;
    private final LoggedConversion conversion = new LoggedConversion(lines::add,
            () -> TimeUnit.SECONDS.toNanos(seconds));

    private void after(long newSeconds, long done) {
        seconds = newSeconds;
        conversion.report(done, 400);
    }

    @Test
    void aLineEveryFiveSecondsButNotAtTheEnd() {
        after(4, 40);
        after(6, 60);
        after(9, 90);
        after(10, 100);
        after(12, 200);
        after(17, 400);
        assertThat(lines).containsExactly("Converting weights: 15 %", "Converting weights: 50 %");
    }
}
