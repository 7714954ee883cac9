// SPDX-License-Identifier: Apache-2.0
/**
 * Text: tokens, chat templates, sampling, and the loop that generates an answer.
 */
package io.github.chaijlama.generate;
