// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import io.github.chaijlama.template.ChatTemplateException;
import io.github.chaijlama.template.JinjaTemplate;

/**
 * A model's own chat template: how it was trained to see a conversation. Rendered by Jinjava with the settings of Hugging
 * Face; what messages say is data and never interpreted. Thread-safe.
 */
public final class ChatTemplate {
    private static final Set<String> ROLES = Set.of("system", "user", "assistant", "tool");

    private final String source;
    /** Null if the source cannot be read, which is said when somebody wants to chat. */
    private final JinjaTemplate template;
    private final ChatTemplateException unreadable;
    private final ControlTokens controlTokens;
    private final Map<String, Object> constants;

    private ChatTemplate(String source, ControlTokens controlTokens, TokenizerFiles files) {
        this.source = source;
        JinjaTemplate parsed = null;
        ChatTemplateException failure = null;
        try {
            parsed = JinjaTemplate.parse(source);
        } catch (ChatTemplateException e) {
            failure = e;
        }
        this.template = parsed;
        this.unreadable = failure;
        this.controlTokens = controlTokens;
        this.constants = new HashMap<>();
        for (String token : List.of("bos_token", "eos_token", "unk_token", "pad_token")) {
            if (files.namedToken(token) != null) {
                constants.put(token, files.namedToken(token));
            }
        }
    }

    /**
     * Returns the template of a model, empty if it has none.
     *
     * @param tokenizer the model's tokenizer
     */
    static Optional<ChatTemplate> of(TokenizerFiles files, TextTokenizer tokenizer) {
        return files.chatTemplate().map(source -> new ChatTemplate(source, tokenizer.controlTokens(), files));
    }

    /**
     * Whether a model directory has a chat template.
     *
     * @throws io.github.chaijlama.jlama.ModelLoadException if tokenizer.json is missing or a file is unreadable
     */
    public static boolean existsIn(Path directory) {
        return TokenizerFiles.read(directory).chatTemplate().isPresent();
    }

    /**
     * Renders a conversation.
     *
     * @param startAnswer whether to go on to where the model's answer begins
     * @throws ChatTemplateException if the template refuses the conversation or cannot be rendered
     */
    RenderedPrompt render(List<ChatMessage> messages, boolean startAnswer) {
        return render(messages, startAnswer, "");
    }

    /**
     * Renders a conversation and the beginning of the model's answer.
     *
     * @param answer plain text that follows where the answer begins
     * @throws ChatTemplateException if the template refuses the conversation or cannot be rendered
     */
    RenderedPrompt renderAnswer(List<ChatMessage> messages, String answer) {
        return render(messages, true, answer);
    }

    private RenderedPrompt render(List<ChatMessage> messages, boolean startAnswer, String answer) {
        if (unreadable != null) {
            throw new ChatTemplateException(unreadable.getMessage());
        }
        List<String> texts = new ArrayList<>(messages.stream().map(ChatMessage::content).toList());
        messages.forEach(message -> texts.add(message.role()));
        texts.add(source);
        texts.add(answer);
        texts.addAll(controlTokens.texts());
        ControlTokenGuard guard = new ControlTokenGuard(texts);
        List<Map<String, Object>> guarded = new ArrayList<>();
        for (ChatMessage message : messages) {
            Map<String, Object> map = new LinkedHashMap<>();
            // Templates compare roles, and write them between parts of control tokens: "<|" + role + "|>".
            map.put("role", ROLES.contains(message.role()) ? message.role()
                    : guard.apply(message.role(), controlTokens.texts()));
            map.put("content", guard.apply(message.content(), message.role().equals("assistant")
                    ? controlTokens.textsWithoutMarkers()
                    : controlTokens.texts()));
            guarded.add(map);
        }
        Map<String, Object> variables = new HashMap<>(constants);
        variables.put("messages", guarded);
        variables.put("add_generation_prompt", startAnswer);
        variables.put("tools", null);
        variables.put("documents", null);
        return new RenderedPrompt(template.render(variables) + guard.apply(answer, controlTokens.texts()),
                guard.character());
    }
}
