// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.SharedResources;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.prefix.KvCacheFigures;
import io.github.chaijlama.prefix.Sessions;
import io.github.chaijlama.prefix.SharedSessions;
import io.github.chaijlama.schedule.Scheduler;
import io.github.chaijlama.schedule.SchedulerLimits;
import io.github.chaijlama.template.ChatTemplateException;
import io.github.chaijlama.tool.ToolCallFormat;
import io.github.chaijlama.tool.ToolDefinition;
import io.github.chaijlama.weight.ConversionProgress;

/**
 * A model with everything that text needs: tokenizer, chat template, generation. Thread-safe. Keys and values of an
 * answered request stay for later ones that begin with the same tokens, as {@link ChaiOptions#maxIdleSequences()} says.
 *
 * <pre>{@code
 * try (TextModel model = TextModel.load(directory, ChaiOptions.exact())) {
 *     int[] prompt = model.chatPrompt(List.of(ChatMessage.user("Tell me a story about a fox.")));
 *     System.out.println(
 *             model.chat(prompt, GenerationOptions.DEFAULT, GenerationListener.NONE, new Cancellation()).text());
 * }
 * }</pre>
 */
public final class TextModel implements AutoCloseable {
    private final TokenModel model;
    private final TextTokenizer tokenizer;
    private final Optional<ChatTemplate> chatTemplate;
    private final GenerationConfig generationConfig;
    private final TextGenerator generator;
    private final Sessions sessions;
    private final Optional<Scheduler> scheduler;
    private final RequestGate gate;

    private TextModel(TokenModel model, TextTokenizer tokenizer, Optional<ChatTemplate> chatTemplate,
            GenerationConfig generationConfig, Function<SamplingOptions, Sampler> samplers,
            Optional<SchedulerLimits> limits) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.chatTemplate = chatTemplate;
        this.generationConfig = generationConfig;
        this.sessions = Sessions.of(model);
        this.scheduler = sessions instanceof SharedSessions shared
                ? limits.map(present -> Scheduler.start(shared, present))
                : Optional.empty();
        this.generator = new TextGenerator(model, tokenizer, samplers, sessions, scheduler);
        this.gate = new RequestGate(generator.requests()::refused);
    }

    /**
     * Loads a model.
     *
     * @param directory a model in Hugging Face layout
     * @throws io.github.chaijlama.model.ModelLoadException  if the model is missing, broken, or not supported
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    public static TextModel load(Path directory, ChaiOptions options) {
        return load(directory, options, Sampler::of);
    }

    /**
     * Loads a model whose answers share steps: many requests at once read the weights once. Jlama's own attention
     * cannot do this; its answers take turns, without limits.
     *
     * @param directory a model in Hugging Face layout
     * @throws io.github.chaijlama.model.ModelLoadException  if the model is missing, broken, or not supported
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    public static TextModel load(Path directory, ChaiOptions options, SchedulerLimits limits) {
        return load(directory, options, Sampler::of, Optional.of(limits));
    }

    /**
     * Loads a model as {@link #load(Path, ChaiOptions, SchedulerLimits)} does, that has its threads and the budget for
     * keys and values together with others. Jlama's own attention has its own always.
     *
     * @param options threads and the budget are those of what is shared, whatever they say
     * @param shared  stays open when the model is closed
     */
    public static TextModel load(Path directory, ChaiOptions options, SchedulerLimits limits,
            SharedResources shared) {
        TokenModel model = options.attention() == AttentionMode.STOCK ? TokenModel.load(directory, options)
                : ChaiModel.load(directory, options, shared);
        return load(directory, model, Sampler::of, Optional.of(limits));
    }

    /**
     * Loads a model that chooses tokens in another way than {@link Sampler#of} does.
     *
     * @param directory a model in Hugging Face layout
     * @param samplers  makes the sampler of an answer, on the thread that asked for it
     * @throws io.github.chaijlama.model.ModelLoadException  if the model is missing, broken, or not supported
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    public static TextModel load(Path directory, ChaiOptions options, Function<SamplingOptions, Sampler> samplers) {
        return load(directory, options, samplers, Optional.empty());
    }

    /**
     * Loads a model as {@link #load(Path, ChaiOptions)} does, and tells how far it is.
     *
     * @param progress told while weights are converted, if any are; without one it is logged
     */
    public static TextModel load(Path directory, ChaiOptions options, ConversionProgress progress) {
        return load(directory, TokenModel.load(directory, options, progress), Sampler::of, Optional.empty());
    }

    /**
     * Loads a model as {@link #load(Path, ChaiOptions, SchedulerLimits)} does, and tells how far it is.
     *
     * @param progress told while weights are converted, if any are; without one it is logged
     */
    public static TextModel load(Path directory, ChaiOptions options, SchedulerLimits limits,
            ConversionProgress progress) {
        return load(directory, TokenModel.load(directory, options, progress), Sampler::of, Optional.of(limits));
    }

    /**
     * Loads a model with samplers and, maybe, shared steps; see the methods that take one of them.
     *
     * @param directory a model in Hugging Face layout
     * @param limits    those of the scheduler, empty for answers that take turns
     * @throws io.github.chaijlama.model.ModelLoadException  if the model is missing, broken, or not supported
     * @throws io.github.chaijlama.profile.ProfileException if the profile was made for another model
     */
    public static TextModel load(Path directory, ChaiOptions options, Function<SamplingOptions, Sampler> samplers,
            Optional<SchedulerLimits> limits) {
        return load(directory, TokenModel.load(directory, options), samplers, limits);
    }

    private static TextModel load(Path directory, TokenModel model, Function<SamplingOptions, Sampler> samplers,
            Optional<SchedulerLimits> limits) {
        try {
            return of(directory, model, samplers, limits);
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private static TextModel of(Path directory, TokenModel model, Function<SamplingOptions, Sampler> samplers,
            Optional<SchedulerLimits> limits) {
        TokenizerFiles files = TokenizerFiles.read(directory);
        GenerationConfig generationConfig = model.options().generationConfig() ? GenerationConfig.read(directory)
                : GenerationConfig.NONE;
        TextTokenizer tokenizer = new TextTokenizer(files, model.config());
        try {
            return new TextModel(model, tokenizer, ChatTemplate.of(files, tokenizer), generationConfig, samplers,
                    limits);
        } catch (RuntimeException | Error e) {
            tokenizer.close();
            throw e;
        }
    }

    /**
     * Returns the model.
     *
     * @throws IllegalStateException if it was loaded for Jlama's own attention, which is no {@link ChaiModel}
     */
    public ChaiModel model() {
        if (model instanceof ChaiModel chai) {
            return chai;
        }
        throw new IllegalStateException("this model was loaded for Jlama's own attention: its sequences can neither be "
                + "clustered, nor observed, nor cut back");
    }

    /** Returns the model, whatever its attention. */
    public TokenModel tokenModel() {
        return model;
    }

    /** Returns the tokenizer. */
    public TextTokenizer tokenizer() {
        return tokenizer;
    }

    /** Returns the model's chat template, empty if it has none: such a model completes text but cannot chat. */
    public Optional<ChatTemplate> chatTemplate() {
        return chatTemplate;
    }

    /**
     * Returns how the model's makers want answers generated, for requests that say nothing else;
     * {@link GenerationConfig#NONE} if they want nothing or {@link ChaiOptions#generationConfig()} is off. Options of
     * an answer are taken as they are: whoever makes them looks here.
     */
    public GenerationConfig generationConfig() {
        return generationConfig;
    }

    /**
     * Returns the tokens of a conversation, up to where the model's answer begins.
     *
     * @throws ChatTemplateException if the model has no chat template or its template refuses the conversation
     */
    public int[] chatPrompt(List<ChatMessage> messages) {
        return tokenizer.encodePrompt(requireTemplate().render(messages, true));
    }

    /**
     * Returns the tokens of a conversation, up to where the model's answer begins, and of that answer as far as it is
     * given.
     *
     * @param answer beginning of the answer, plain text
     * @throws ChatTemplateException if the model has no chat template or its template refuses the conversation
     */
    public int[] chatPrompt(List<ChatMessage> messages, String answer) {
        return tokenizer.encodePrompt(requireTemplate().renderAnswer(messages, answer));
    }

    /**
     * Returns the tokens of a conversation in which the model may call tools, up to where its answer begins.
     *
     * @param startCall whether the answer begins as a call does: what the model generates is then the rest of it, from
     *                  its first object on ({@link io.github.chaijlama.tool.ToolCallParser#expectCall})
     * @throws ChatTemplateException if the model has no chat template, or its template refuses the conversation or has
     *                               no place for tools
     */
    public int[] chatPrompt(List<ChatMessage> messages, List<ToolDefinition> tools, boolean startCall) {
        return chatPrompt(messages, PromptOptions.NONE.withTools(tools, startCall));
    }

    /**
     * Returns the tokens of a conversation, up to where the model's answer begins.
     *
     * @param options what the template is told beside the messages
     * @throws ChatTemplateException if the model has no chat template, or its template refuses the conversation or has
     *                               no place for tools
     */
    public int[] chatPrompt(List<ChatMessage> messages, PromptOptions options) {
        return tokenizer.encodePrompt(requireTemplate().render(messages, options));
    }

    /**
     * Returns how the model writes calls of tools.
     *
     * @throws ChatTemplateException if the model has no chat template
     */
    public ToolCallFormat toolCallFormat() {
        return requireTemplate().toolCallFormat();
    }

    /**
     * Returns the tokens of a whole conversation, answers included, as the model saw such in training: what to measure
     * a model on.
     *
     * @throws ChatTemplateException if the model has no chat template or its template refuses the conversation
     */
    public int[] conversation(List<ChatMessage> messages) {
        return tokenizer.encodePrompt(requireTemplate().render(messages, false));
    }

    /**
     * Returns how many tokens messages add to a prompt: without the beginning of the sequence, and without what comes
     * between the last of them and the model's answer.
     *
     * @throws ChatTemplateException if the model has no chat template or its template refuses the messages
     */
    public int countTokens(List<ChatMessage> messages) {
        int[] tokens = tokenizer.encodePrompt(requireTemplate().render(messages, false));
        boolean hasBeginning = tokens.length > 0 && tokenizer.bosToken().equals(OptionalInt.of(tokens[0]));
        return tokens.length - (hasBeginning ? 1 : 0);
    }

    private ChatTemplate requireTemplate() {
        return chatTemplate.orElseThrow(() -> new ChatTemplateException(
                "this model has no chat template: it can complete text, but not chat"));
    }

    /**
     * Generates the answer to a conversation.
     *
     * @param prompt tokens of {@link #chatPrompt}
     * @throws io.github.chaijlama.ContextLengthException  if the prompt alone is longer than the context
     * @throws io.github.chaijlama.kv.KvCacheFullException if keys and values do not fit into the budget
     * @throws StoppingException                           if the {@link #gate()} is shut
     */
    public GenerationResult chat(int[] prompt, GenerationOptions options, GenerationListener listener,
            Cancellation cancellation) {
        try (RequestGate.Pass _ = gate.enter()) {
            return generator.generate(prompt, true, options, listener, cancellation);
        }
    }

    /**
     * Continues a text.
     *
     * @param prompt tokens of {@link TextTokenizer#encodePrompt(String)}, at least one
     * @throws io.github.chaijlama.ContextLengthException  if the prompt alone is longer than the context
     * @throws io.github.chaijlama.kv.KvCacheFullException if keys and values do not fit into the budget
     * @throws StoppingException                           if the {@link #gate()} is shut
     */
    public GenerationResult complete(int[] prompt, GenerationOptions options, GenerationListener listener,
            Cancellation cancellation) {
        try (RequestGate.Pass _ = gate.enter()) {
            return generator.generate(prompt, false, options, listener, cancellation);
        }
    }

    /** Returns where requests come in: for a model that is to stop and to end what it has begun. */
    public RequestGate gate() {
        return gate;
    }

    /** Returns what takes the steps of all answers together, if the model was loaded with one. */
    public Optional<Scheduler> scheduler() {
        return scheduler;
    }

    /** Returns what requests have asked and got since the model was loaded. */
    public RequestFigures requestFigures() {
        return generator.requests().figures();
    }

    /** Returns what keys and values take; empty for Jlama's own cache, which does not tell. */
    public Optional<KvCacheFigures> kvCacheFigures() {
        return sessions.kvCache();
    }

    /** Tells a listener of all requests from now on, until it is {@linkplain #removeListener removed}. */
    public void addListener(RequestListener listener) {
        generator.requests().add(listener);
    }

    /** Tells a listener no more. */
    public void removeListener(RequestListener listener) {
        generator.requests().remove(listener);
    }

    /** Returns the attention of requests that name none: that of the options, unless it was set to another. */
    public AttentionMode defaultAttention() {
        return generator.attention();
    }

    /**
     * Sets the attention of requests that name none; those that have come already keep theirs.
     *
     * @throws IllegalArgumentException if the model cannot run it: clustered attention needs a profile, and Jlama's own
     *                                  a model that was loaded for it, which has no other
     */
    public void setDefaultAttention(AttentionMode attention) {
        boolean stock = model.options().attention() == AttentionMode.STOCK;
        if (stock != (attention == AttentionMode.STOCK)) {
            throw new IllegalArgumentException("a model loaded for " + model.options().attention()
                    + " attention cannot run " + attention + " sequences");
        }
        if (attention == AttentionMode.CLUSTERED && model.options().profile().isEmpty()) {
            throw new IllegalArgumentException("clustered attention needs a cluster profile; this model was loaded "
                    + "without");
        }
        generator.setAttention(attention);
    }

    /**
     * Returns the number of sequences whose request has ended and whose keys and values are kept, at most {@link
     * ChaiOptions#maxIdleSequences()}.
     */
    public int idleSequences() {
        return sessions.size();
    }

    /**
     * Returns the memory of all sequences whose request has ended; answers that are being generated are not affected.
     */
    public void closeIdleSequences() {
        sessions.clear();
    }

    /** Waits for a running step, then frees everything; answers that are being generated end with an error. */
    @Override
    public void close() {
        try {
            scheduler.ifPresent(Scheduler::close);
            sessions.close();
            model.close();
        } finally {
            gate.abandon();
            tokenizer.close();
        }
    }
}
