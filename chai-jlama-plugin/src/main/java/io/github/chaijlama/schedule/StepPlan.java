// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.ArrayList;
import java.util.List;

import io.github.chaijlama.prefix.SharedSessions;

/** Who takes part in a step, and with how many tokens. */
final class StepPlan {
    private StepPlan() {}

    /** A sequence with what the step does for it. */
    record Part(ScheduledSequence sequence, SharedSessions.Run run) {}

    /**
     * Plans a step: a token of every answer that goes on, and of the prompts, and of answers that are calculated again,
     * as many tokens as a step may have, the earliest request first.
     *
     * @param running sequences in order of arrival; those that are not ready take no part
     */
    static List<Part> of(List<ScheduledSequence> running, SchedulerLimits limits) {
        List<Part> parts = new ArrayList<>();
        List<ScheduledSequence> behind = new ArrayList<>();
        for (ScheduledSequence sequence : running) {
            if (!sequence.generation().isReady()) {
                continue;
            }
            if (sequence.isDecoding()) {
                parts.add(new Part(sequence, sequence.run(1)));
            } else {
                behind.add(sequence);
            }
        }
        int room = parts.isEmpty() ? limits.maxStepTokens() : limits.maxSliceTokens();
        for (ScheduledSequence sequence : behind) {
            if (room == 0) {
                break;
            }
            Part part = new Part(sequence, sequence.run(room));
            parts.add(part);
            room -= part.run().count();
        }
        return parts;
    }
}
