// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/**
 * A token that steers the model, such as {@code <|end|>}: an added token of tokenizer.json that is special or that the
 * chat template writes, or any token that tokenizer_config.json names.
 *
 * @param id         the token
 * @param content    how templates write it
 * @param stripLeft  whether whitespace before it belongs to it
 * @param stripRight whether whitespace after it belongs to it
 * @param marker     whether only the chat template makes it one: models write such tokens into their answers, as
 *                   {@code </think>}, and templates look for them there
 */
record ControlToken(int id, String content, boolean stripLeft, boolean stripRight, boolean marker) {}
