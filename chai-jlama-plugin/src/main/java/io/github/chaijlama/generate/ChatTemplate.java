// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;

/**
 * A model's own chat template: how it was trained to see a conversation. Rendered by Jinjava with the settings of Hugging
 * Face; what messages say is data and never interpreted. Thread-safe.
 */
public final class ChatTemplate {
    private static final Jinjava JINJAVA = jinjava();

    private final String source;
    private final ControlTokens controlTokens;
    private final Map<String, Object> constants;

    private ChatTemplate(String source, ControlTokens controlTokens, TokenizerFiles files) {
        this.source = TemplateWhitespace.asHuggingFace(source);
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
        List<String> texts = new ArrayList<>(messages.stream().map(ChatMessage::content).toList());
        texts.add(source);
        texts.addAll(controlTokens.texts());
        ControlTokenGuard guard = new ControlTokenGuard(texts);
        List<Map<String, Object>> guarded = new ArrayList<>();
        for (ChatMessage message : messages) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("role", message.role());
            map.put("content", guard.apply(message.content(), message.role().equals("assistant")
                    ? controlTokens.textsWithoutMarkers()
                    : controlTokens.texts()));
            guarded.add(map);
        }
        Map<String, Object> variables = new HashMap<>(constants);
        variables.put("messages", guarded);
        variables.put("add_generation_prompt", startAnswer);
        return new RenderedPrompt(render(variables), guard.character());
    }

    private String render(Map<String, Object> variables) {
        RenderResult result = JINJAVA.renderForResult(source, variables);
        for (TemplateError error : result.getErrors()) {
            Throwable cause = error.getException();
            while (cause != null && !(cause instanceof RefusedByTemplate)) {
                cause = cause.getCause();
            }
            throw new ChatTemplateException(cause != null
                    ? "the model's chat template refuses this conversation: " + cause.getMessage()
                    : "the model's chat template cannot be rendered (line " + error.getLineno() + "): "
                            + error.getMessage());
        }
        return result.getOutput();
    }

    /** What a template throws with {@code raise_exception}. */
    private static final class RefusedByTemplate extends RuntimeException {
        private static final long serialVersionUID = 1L;

        RefusedByTemplate(String message) {
            super(message);
        }
    }

    /** The function templates call to refuse a conversation. Jinjava finds it by name. */
    static String raiseException(String message) {
        throw new RefusedByTemplate(message);
    }

    private static Jinjava jinjava() {
        Jinjava jinjava = new Jinjava(JinjavaConfig.newBuilder().withTrimBlocks(true)
                .withNestedInterpretationEnabled(false)
                .withLegacyOverrides(LegacyOverrides.newBuilder().withEvaluateMapKeys(true).withIterateOverMapKeys(true)
                        .withUseNaturalOperatorPrecedence(true).withParseWhitespaceControlStrictly(true)
                        .withUseTrimmingForNotesAndExpressions(true).withKeepNullableLoopValues(true)
                        .withAllowAdjacentTextNodes(true).build())
                .build());
        jinjava.getGlobalContext().registerFunction(
                new ELFunctionDefinition("", "raise_exception", ChatTemplate.class, "raiseException", String.class));
        return jinjava;
    }
}
