// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

/**
 * What a number of clients got that each ask again as soon as they are answered.
 *
 * @param context         tokens of each prompt
 * @param tokensPerSecond tokens of all answers by the whole time, prompts included
 * @param firstToken      from the request to the first token of its answer
 * @param betweenTokens   from one token of an answer to the next
 */
public record ClientsMeasurement(BenchArm arm, int context, int clients, double tokensPerSecond, Latency firstToken,
        Latency betweenTokens) {}
