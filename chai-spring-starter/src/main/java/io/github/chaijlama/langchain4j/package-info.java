// SPDX-License-Identifier: Apache-2.0
/**
 * Jlama models with clustered head attention as LangChain4j models. Start with
 * {@link io.github.chaijlama.langchain4j.ChaiEngine}, which holds the model, and give it to
 * {@link io.github.chaijlama.langchain4j.ChaiChatModel} and
 * {@link io.github.chaijlama.langchain4j.ChaiStreamingChatModel}. Nothing here knows Spring.
 */
@NullMarked
package io.github.chaijlama.langchain4j;

import org.jspecify.annotations.NullMarked;
