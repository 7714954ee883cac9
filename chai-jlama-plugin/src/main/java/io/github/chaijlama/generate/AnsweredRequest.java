// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/**
 * A request that has been answered, as a {@link RequestListener} hears of it.
 *
 * @param prompt tokens of the prompt; not to be changed
 * @param answer tokens of the answer, end tokens excepted; not to be changed
 * @param result what whoever asked has got
 */
public record AnsweredRequest(int[] prompt, int[] answer, GenerationResult result) {}
