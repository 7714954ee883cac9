// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/**
 * A token that steers the model and has no text of its own, such as {@code <|end|>}: a special added token of
 * tokenizer.json.
 *
 * @param id         the token
 * @param content    how templates write it
 * @param stripLeft  whether whitespace before it belongs to it
 * @param stripRight whether whitespace after it belongs to it
 */
record ControlToken(int id, String content, boolean stripLeft, boolean stripRight) {}
