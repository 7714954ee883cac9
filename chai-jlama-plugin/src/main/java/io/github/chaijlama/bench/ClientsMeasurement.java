// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

/**
 * What a number of clients got that each ask again as soon as they are answered.
 *
 * @param context         tokens of each prompt
 * @param tokensPerSecond tokens of all answers by the whole time, prompts included
 * @param together        tokens of answers by the time in which every client's answer went on; not a number if there
 *                        was none
 * @param firstToken      from the request to the first token of its answer
 * @param betweenTokens   from one token of an answer to the next
 */
public record ClientsMeasurement(BenchArm arm, int context, int clients, double tokensPerSecond,
        double together, Latency firstToken, Latency betweenTokens) {

    /**
     * What a prompt does to answers that go on, and they to it.
     *
     * @param prompt          tokens of the prompt that came in
     * @param firstTokenAlone its time to the first token alone, in milliseconds
     * @param firstToken      its time to the first token beside the answers, in milliseconds
     * @param without         from one token of an answer to the next, with no prompt coming in
     * @param with            the same from when the prompt came to its own first token
     */
    public record Incoming(BenchArm arm, int context, int clients, int prompt, double firstTokenAlone,
            double firstToken, Latency without, Latency with) {}
}
