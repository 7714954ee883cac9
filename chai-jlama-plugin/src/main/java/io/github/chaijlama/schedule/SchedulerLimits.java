// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.time.Duration;
import java.util.Optional;

/**
 * What a scheduler takes on. Immutable.
 *
 * @param maxConcurrent   the most sequences that share steps
 * @param maxWaiting      the most requests that wait for one of them to end
 * @param maxPromptTokens the longest prompt, empty for what the context holds
 * @param timeLimit       the longest that a request may take, waiting included; empty for any time
 * @param maxStepTokens   the most tokens of prompts in a step in which no answer goes on
 * @param maxSliceTokens  the most tokens of prompts in a step in which answers go on, and so what an answer waits for
 *                        at most
 */
public record SchedulerLimits(int maxConcurrent, int maxWaiting, Optional<Integer> maxPromptTokens,
        Optional<Duration> timeLimit, int maxStepTokens, int maxSliceTokens) {

    /** A hundred years; nanoseconds of more would not fit where they are counted. */
    public static final Duration MAX_TIME_LIMIT = Duration.ofDays(36_500);
    /** Sixteen at once, 256 that wait, prompts and times as long as they are. */
    public static final SchedulerLimits DEFAULT = new SchedulerLimits(16, 256, Optional.empty(), Optional.empty(), 256,
            32);

    public SchedulerLimits {
        require(maxConcurrent > 0, "sequences at once must be 1 or more", maxConcurrent);
        require(maxWaiting >= 0, "waiting requests must be 0 or more", maxWaiting);
        require(maxPromptTokens.orElse(1) > 0, "tokens of a prompt must be 1 or more", maxPromptTokens.orElse(1));
        timeLimit.filter(limit -> !limit.isPositive() || limit.compareTo(MAX_TIME_LIMIT) > 0).ifPresent(limit -> {
            throw new IllegalArgumentException(
                    "a time limit must be more than 0 and at most " + MAX_TIME_LIMIT + ", found " + limit);
        });
        require(maxStepTokens > 0, "tokens of prompts in a step must be 1 or more", maxStepTokens);
        require(maxSliceTokens > 0, "tokens of prompts beside answers must be 1 or more", maxSliceTokens);
    }

    private static void require(boolean possible, String expected, int found) {
        if (!possible) {
            throw new IllegalArgumentException(expected + ", found " + found);
        }
    }

    /** Returns these limits with others for the number of requests. */
    public SchedulerLimits withRequests(int newMaxConcurrent, int newMaxWaiting) {
        return new SchedulerLimits(newMaxConcurrent, newMaxWaiting, maxPromptTokens, timeLimit, maxStepTokens,
                maxSliceTokens);
    }

    /** Returns these limits with another for the time of a request. */
    public SchedulerLimits withTimeLimit(Duration newTimeLimit) {
        return new SchedulerLimits(maxConcurrent, maxWaiting, maxPromptTokens, Optional.of(newTimeLimit),
                maxStepTokens, maxSliceTokens);
    }

    /** Returns these limits with another for the length of a prompt. */
    public SchedulerLimits withMaxPromptTokens(int newMaxPromptTokens) {
        return new SchedulerLimits(maxConcurrent, maxWaiting, Optional.of(newMaxPromptTokens), timeLimit,
                maxStepTokens, maxSliceTokens);
    }

    /** Returns these limits with others for the tokens of prompts in a step. */
    public SchedulerLimits withTokens(int newMaxStepTokens, int newMaxSliceTokens) {
        return new SchedulerLimits(maxConcurrent, maxWaiting, maxPromptTokens, timeLimit, newMaxStepTokens,
                newMaxSliceTokens);
    }
}
