// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.time.Duration;
import java.util.List;

/**
 * What a scheduler has done since it was started, and does now. Immutable.
 *
 * @param running     requests that share steps
 * @param waiting     requests that wait for that, paused ones among them
 * @param refused     requests that were refused with a {@link BusyException}
 * @param pauses      how often a sequence has given its memory or place to others, to be calculated again
 * @param steps       steps that came to their end
 * @param rows        tokens that these steps have calculated
 * @param stepTime    how long these steps took together
 * @param currentStep how long the step that is running has taken so far, its tokens being chosen included; zero
 *                    between steps
 * @param sequences   the requests that share steps, then those that wait, each in order of arrival
 */
public record SchedulerFigures(int running, int waiting, long refused, long pauses, long steps, long rows,
        Duration stepTime, Duration currentStep, List<SequenceFigures> sequences) {

    public SchedulerFigures {
        sequences = List.copyOf(sequences);
    }
}
