// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/**
 * What the requests of a model have asked and got since it was loaded. Immutable.
 *
 * @param promptTokens    tokens of the prompts of all requests that were begun
 * @param reusedTokens    those of them that an earlier request had left, see
 *                        {@link GenerationResult#reusedTokens()}
 * @param generatedTokens tokens of thinking and answers
 */
public record RequestFigures(long promptTokens, long reusedTokens, long generatedTokens) {}
