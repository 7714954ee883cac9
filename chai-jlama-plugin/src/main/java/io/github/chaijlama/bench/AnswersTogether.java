// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.Arrays;
import java.util.List;

/** How fast answers come while as many as there are clients go on: prompts are left out. */
final class AnswersTogether {
    private static final double NANOS_PER_SECOND = 1e9;

    private AnswersTogether() {}

    /**
     * Returns tokens a second while {@code clients} answers went on, not a number if so many never did.
     *
     * @param answers when each token of each answer came, in nanoseconds; never more at once than {@code clients}
     */
    static double rate(List<long[]> answers, int clients) {
        long[] starts = answers.stream().mapToLong(times -> times[0]).sorted().toArray();
        long[] ends = answers.stream().mapToLong(times -> times[times.length - 1]).sorted().toArray();
        long nanos = 0;
        long tokens = 0;
        for (int started = clients; started <= starts.length; started++) {
            int ended = started - clients;
            long from = ended == 0 ? starts[started - 1] : Math.max(starts[started - 1], ends[ended - 1]);
            long until = started == starts.length ? ends[ended] : Math.min(starts[started], ends[ended]);
            if (from < until) {
                nanos += until - from;
                tokens += answers.stream().flatMapToLong(Arrays::stream).filter(time -> time > from && time <= until)
                        .count();
            }
        }
        return nanos == 0 ? Double.NaN : tokens * NANOS_PER_SECOND / nanos;
    }
}
