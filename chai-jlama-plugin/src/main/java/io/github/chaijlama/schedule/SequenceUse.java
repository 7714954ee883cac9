// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.OptionalLong;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.prefix.RequestSession;

/**
 * What a request has used of a model.
 *
 * @param reusedTokens tokens of the prompt whose keys and values an earlier request had left
 * @param attention    attention of the sequence
 * @param kvCacheBytes keys and values stored at the end, in bytes; empty for Jlama's own cache, which does not tell
 * @param counts       steps of the answer
 */
public record SequenceUse(int reusedTokens, AttentionMode attention, OptionalLong kvCacheBytes, AnswerSteps counts) {

    /** Returns what a session has used so far, in so many steps. */
    public static SequenceUse of(RequestSession session, AnswerSteps counts) {
        return new SequenceUse(session.reusedTokens(), session.attention(), session.kvCacheBytes(), counts);
    }

    /** Returns what a request has used that never had a session. */
    public static SequenceUse none(AttentionMode attention) {
        return new SequenceUse(0, attention, OptionalLong.of(0), AnswerSteps.NONE);
    }
}
