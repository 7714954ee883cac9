// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.template.ChatTemplateException;
import io.github.chaijlama.template.JinjaTemplate;
import io.github.chaijlama.tool.ToolCallFormat;
import io.github.chaijlama.tool.ToolDefinition;

/**
 * A model's own chat template: how it was trained to see a conversation. A model may have another for requests with
 * tools. Rendered by Jinjava with the settings of Hugging Face; what messages say is data and never interpreted.
 * Thread-safe.
 */
public final class ChatTemplate {
    /** What templates call the switch for thinking: Qwen 3 and others, and Granite and DeepSeek. */
    private static final List<String> SWITCHES = List.of("enable_thinking", "thinking");

    private final TemplateSources sources;
    private final Optional<Form> withoutTools;
    private final Form withTools;
    private final ControlTokens controlTokens;
    private final Optional<ThinkingMarks> thinkingMarks;
    /** What an answer that is given begins with. */
    private final String answerOpening;
    private final Map<String, Object> constants;

    /** Writes a conversation. */
    private interface Renderer {
        String render(Map<String, ? extends @Nullable Object> variables);
    }

    /** One of the model's templates. */
    private record Form(String source, TemplateTraits traits, Renderer renderer) {

        static Form of(String source, TokenizerFiles files) {
            return new Form(source, TemplateTraits.of(source, files), rendererOf(source));
        }

        /** That a source cannot be read is said when somebody wants to chat. */
        private static Renderer rendererOf(String source) {
            try {
                return JinjaTemplate.parse(source)::render;
            } catch (ChatTemplateException e) {
                return _ -> {
                    throw new ChatTemplateException(e.getMessage());
                };
            }
        }
    }

    private ChatTemplate(TemplateSources sources, TextTokenizer tokenizer, TokenizerFiles files) {
        this.sources = sources;
        this.withoutTools = sources.withoutTools().map(source -> Form.of(source, files));
        this.withTools = withoutTools.filter(form -> sources.withTools().equals(Optional.of(form.source)))
                .orElseGet(() -> Form.of(sources.withTools().orElseThrow(), files));
        this.controlTokens = tokenizer.controlTokens();
        this.thinkingMarks = ThinkingMarks.of(files);
        this.answerOpening = tokenizer.thoughts().answerOpening();
        this.constants = new HashMap<>();
        for (String token : List.of("bos_token", "eos_token", "unk_token", "pad_token")) {
            files.namedToken(token).ifPresent(name -> constants.put(token, name));
        }
    }

    /**
     * Returns the template of a model, empty if it has none.
     *
     * @param tokenizer the model's tokenizer
     */
    static Optional<ChatTemplate> of(TokenizerFiles files, TextTokenizer tokenizer) {
        TemplateSources sources = files.templates();
        return sources.isEmpty() ? Optional.empty()
                : Optional.of(new ChatTemplate(sources, tokenizer, files));
    }

    /**
     * Whether a model directory has a chat template.
     *
     * @throws io.github.chaijlama.model.ModelLoadException if tokenizer.json is missing or a file is unreadable
     */
    public static boolean existsIn(Path directory) {
        return !TokenizerFiles.read(directory).templates().isEmpty();
    }

    /**
     * Returns the template of a model directory, empty if it has none.
     *
     * @param tokenizer the tokenizer of the same directory
     * @throws io.github.chaijlama.model.ModelLoadException if a file is unreadable
     */
    public static Optional<ChatTemplate> read(Path directory, TextTokenizer tokenizer) {
        return of(TokenizerFiles.read(directory), tokenizer);
    }

    /** Whether the model marks what it thinks before it answers. */
    public boolean marksThinking() {
        return thinkingMarks.isPresent();
    }

    /** Whether the model sees what a system message says. */
    public boolean understandsSystemMessages() {
        String said = "Answer in one word.";
        try {
            return render(List.of(ChatMessage.system(said), ChatMessage.user("Hello")), true).text().contains(said);
        } catch (ChatTemplateException _) {
            return false; // many templates say so themselves
        }
    }

    /** Returns how the model writes calls of tools. */
    ToolCallFormat toolCallFormat() {
        return withTools.traits.calls();
    }

    /** Whether the template tells the model of tools. */
    public boolean acceptsTools() {
        return withTools.source.contains("tools");
    }

    /**
     * Renders a conversation.
     *
     * @param startAnswer whether to go on to where the model's answer begins
     * @throws ChatTemplateException if the template refuses the conversation or cannot be rendered
     */
    RenderedPrompt render(List<ChatMessage> messages, boolean startAnswer) {
        return render(messages, PromptOptions.NONE, startAnswer, "", "");
    }

    /**
     * Renders a conversation and the beginning of the model's answer.
     *
     * @param answer plain text that follows where the answer begins
     * @throws ChatTemplateException if the template refuses the conversation or cannot be rendered
     */
    RenderedPrompt renderAnswer(List<ChatMessage> messages, String answer) {
        return render(messages, PromptOptions.NONE, true, answer.isEmpty() ? "" : answerOpening, answer);
    }

    /**
     * Renders a conversation with tools.
     *
     * @param startCall whether the answer begins as a call of a tool does
     * @throws ChatTemplateException if the template refuses the conversation, cannot be rendered or knows no tools
     */
    RenderedPrompt renderTools(List<ChatMessage> messages, List<ToolDefinition> tools, boolean startCall) {
        return render(messages, PromptOptions.NONE.withTools(tools, startCall));
    }

    /**
     * Renders a conversation up to where the model's answer begins. Where the answer begins as a call and the template
     * itself begins to think, the thinking is ended first: what stands in it is no call.
     *
     * @throws ChatTemplateException if the template refuses the conversation, cannot be rendered or knows no tools
     */
    RenderedPrompt render(List<ChatMessage> messages, PromptOptions options) {
        if (!options.tools().isEmpty() && !acceptsTools()) {
            throw new ChatTemplateException("the model's chat template has no place for tools");
        }
        if (!options.startCall()) {
            return render(messages, options, true, "", "");
        }
        String opening = toolCallFormat().opening();
        RenderedPrompt prompt = render(messages, options, true, opening, "");
        String beforeCall = prompt.text().substring(0, prompt.text().length() - opening.length());
        return thinkingMarks.filter(marks -> beforeCall.stripTrailing().endsWith(marks.opening()))
                .map(marks -> render(messages, options, true, marks.closing() + "\n\n" + opening, "")).orElse(prompt);
    }

    private Form form(List<ToolDefinition> tools) {
        return tools.isEmpty() ? withoutTools.orElseThrow(() -> new ChatTemplateException(
                "the model has no chat template named 'default', for requests without tools; its templates are "
                        + String.join(", ", sources.names())))
                : withTools;
    }

    /**
     * Renders a conversation and the beginning of the answer.
     *
     * @param opening what the answer begins with, with control tokens
     * @param answer  plain text that follows
     */
    private RenderedPrompt render(List<ChatMessage> messages, PromptOptions options, boolean startAnswer,
            String opening, String answer) {
        List<ToolDefinition> tools = options.tools();
        Form form = form(tools);
        List<String> texts = TemplateVariables.texts(messages, tools);
        texts.addAll(List.of(form.source, opening, answer));
        texts.addAll(controlTokens.texts());
        ControlTokenGuard guard = new ControlTokenGuard(texts);
        TemplateVariables shapes = new TemplateVariables(controlTokens, guard, form.traits, tools);
        Map<String, @Nullable Object> variables = new HashMap<>(constants);
        variables.put("messages", shapes.messages(messages));
        variables.put("add_generation_prompt", startAnswer);
        variables.put("tools", shapes.tools());
        variables.put("documents", null);
        if (form.traits.xmlTools() && !tools.isEmpty()) {
            variables.put("xml_tools", shapes.tools());
        }
        options.thinking().ifPresent(thinking -> SWITCHES.forEach(name -> variables.put(name, thinking)));
        return new RenderedPrompt(render(form, variables, messages, shapes) + opening
                + guard.apply(answer, controlTokens.texts()), guard.character());
    }

    /**
     * Renders a conversation; where that fails and tools were called, once more with the arguments of the calls as JSON
     * text: some templates concatenate them with a text, as OpenAI's API gives them, instead of looking into them.
     */
    private static String render(Form form, Map<String, @Nullable Object> variables, List<ChatMessage> messages,
            TemplateVariables shapes) {
        try {
            return form.renderer.render(variables);
        } catch (ChatTemplateException e) {
            if (messages.stream().allMatch(message -> message.toolCalls().isEmpty())) {
                throw e;
            }
            variables.put("messages", shapes.withArgumentsAsText().messages(messages));
            try {
                return form.renderer.render(variables);
            } catch (ChatTemplateException _) {
                throw e; // what the template says of the arguments as they should be
            }
        }
    }
}
