// SPDX-License-Identifier: Apache-2.0
/**
 * The models of an application over HTTP, in the manner of OpenAI's API, for servlet applications that want it
 * ({@code chai.openai.enabled}).
 */
@NullMarked
package io.github.chaijlama.openai;

import org.jspecify.annotations.NullMarked;
