// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.time.Duration;
import java.util.OptionalLong;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.schedule.AnswerSteps;

/**
 * A finished answer.
 *
 * @param text              its text
 * @param thinking          what the model thought before it, without the marks around it; empty if nothing
 * @param finishReason      why it ended
 * @param promptTokens      tokens of the prompt
 * @param reusedTokens      tokens of the prompt whose keys and values an earlier request has left
 * @param generatedTokens   tokens of thinking and answer, an end token counted
 * @param attention         attention that computed it
 * @param timeToFirstToken  from the start to the first token, or to the end if there was none
 * @param duration          from the start to the end
 * @param kvCacheBytes      keys and values stored at the end, in bytes; empty for Jlama's own cache, which does not
 *                          tell
 * @param counts            steps it took
 */
public record GenerationResult(String text, String thinking, FinishReason finishReason, int promptTokens,
        int reusedTokens, int generatedTokens, AttentionMode attention, Duration timeToFirstToken, Duration duration,
        OptionalLong kvCacheBytes, AnswerSteps counts) {}
