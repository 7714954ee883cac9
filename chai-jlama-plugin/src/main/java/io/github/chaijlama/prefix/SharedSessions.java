// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.prefix;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.kv.KvBudget;

/** Sessions that can take steps together. */
public interface SharedSessions {

    /**
     * What a step does for one session.
     *
     * @param session one of these sessions
     * @param tokens  where its next tokens stand, and those that are about to follow behind them
     * @param from    first of them
     * @param count   how many, at least 1
     * @param logits  of how many of them, the last ones, the logits are wanted
     */
    record Run(RequestSession session, int[] tokens, int from, int count, int logits) {}

    /**
     * Starts a session for a prompt.
     *
     * @param prompt tokens of the prompt, at least one
     * @throws IllegalArgumentException if the model cannot run that attention, or a token is outside the vocabulary
     */
    RequestSession open(AttentionMode attention, int[] prompt);

    /**
     * Whether a session that is open is about to calculate so much of the beginning of a prompt that it is better to
     * wait for it, and to {@linkplain #open open} a session then that has it.
     */
    default boolean isBeingCalculated(AttentionMode attention, int[] prompt) {
        return false;
    }

    /** Returns the budget for keys and values that is shared with others, if it is. */
    default Optional<KvBudget> budget() {
        return Optional.empty();
    }

    /** Gives some memory back that no session which is in use has; false if there is none. */
    default boolean giveIdleMemory() {
        return false;
    }

    /**
     * Takes the next tokens of several sessions through the model in one step.
     *
     * @param runs each of another session
     * @return the logits that were asked for, in the order of the runs and of their tokens; not checked to be finite
     * @throws io.github.chaijlama.kv.KvCacheFullException if keys and values of a run do not fit into the budget; no
     *                                                     session has changed then
     */
    float[][] step(List<Run> runs);
}
