// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.openai;

import java.util.Optional;

import io.github.chaijlama.langchain4j.ChaiStreamingChatModel;
import io.github.chaijlama.langchain4j.ChaiStreamingLanguageModel;

/**
 * A model that the endpoint serves.
 *
 * @param name     what requests call it
 * @param chat     answers {@code /v1/chat/completions}
 * @param language answers {@code /v1/completions}, which without it is refused
 */
public record ServedModel(String name, ChaiStreamingChatModel chat, Optional<ChaiStreamingLanguageModel> language) {}
