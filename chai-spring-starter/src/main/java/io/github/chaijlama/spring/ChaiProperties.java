// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.Operators;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.calibrate.Saving;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.langchain4j.ChaiChatModelBuilder;
import io.github.chaijlama.langchain4j.ChaiModelBuilder;

/**
 * Settings of the chat models.
 *
 * @param enabled    Whether heads that attend alike share scores and keys. False means exact attention, whatever
 *                   chai.attention says.
 * @param attention  Attention of the model. By default clustered if chai.profile or chai.calibration.mode is set and
 *                   exact otherwise; stock is Jlama's own, for comparison.
 * @param profile    Cluster profile of the model, a chai-profile/1 file: a path, or a location that begins with
 *                   classpath: or file:.
 * @param threads    Threads that share the work of a step. By default all processors.
 * @param operators  What calculates matrix products. vector is the plugin's own, on the JVM's Vector API; jlama is
 *                   Jlama's; blas is a BLAS library's for prompts, and vector otherwise; auto is vector where this JVM
 *                   and machine make good use of it, and jlama elsewhere.
 * @param model      Which model to load.
 * @param calibration Calibration of the model when the application starts.
 * @param membership Settings that replace those of the profile's membership.
 * @param kvCache    Memory of keys and values.
 * @param scheduler  How many requests are answered at once, and what they may ask.
 * @param chat       Defaults for requests that do not say otherwise.
 * @param models     Several models side by side, by an id: chai.models.ID.path, .repository, .revision, .name,
 *                   .weights and .generation-config as for chai.model; .profile; and .enabled, .attention, .operators,
 *                   .calibration, .membership, .kv-cache, .scheduler and .chat, where chai says what is not set. They
 *                   have chai.threads and chai.kv-cache.max-memory together.
 */
@ConfigurationProperties("chai")
public record ChaiProperties(@DefaultValue("true") boolean enabled, @Nullable AttentionMode attention,
        @Nullable String profile, @Nullable Integer threads, @DefaultValue("auto") Operators operators,
        @DefaultValue Model model,
        @DefaultValue Calibration calibration,
        @DefaultValue Membership membership,
        @DefaultValue KvCache kvCache, @DefaultValue Scheduler scheduler, @DefaultValue Chat chat,
        @DefaultValue Map<String, NamedModelProperties> models) {

    /**
     * Which model to load.
     *
     * @param path             Directory of the model in Hugging Face layout, or classpath: and the name of a directory
     *                         on the class path.
     * @param repository       Model of the Hugging Face hub, owner/name, instead of a path. What is missing is
     *                         downloaded when the application starts.
     * @param revision         Branch, tag or commit of the repository. By default main.
     * @param name             Name of the model in requests and responses. By default the repository, or the name of
     *                         the directory.
     * @param weights          Type the weights are kept in. stored, as the files have them, or q4 or q8: four or eight
     *                         bits a value, quantized when the model is loaded. q8 needs operators other than jlama,
     *                         and attention other than stock.
     * @param generationConfig Whether the model's generation_config.json says how requests are answered that say
     *                         nothing else; chai.chat comes before it.
     */
    public record Model(@Nullable String path, @Nullable String repository, @Nullable String revision,
            @Nullable String name, @DefaultValue("stored") WeightType weights,
            @DefaultValue("true") boolean generationConfig) {}

    /**
     * Calibration of the model when the application starts.
     *
     * @param mode                  When to calibrate. off is never, if-missing if there is neither chai.profile nor a
     *                              profile of this model in the directory, always is at every start.
     * @param texts                 Sample texts, like those the application will see: JSON lines or plain text, a path
     *                              or a location that begins with classpath: or file:. By default 62 general English
     *                              texts of the starter's own.
     * @param samples               Most texts whose attention is looked at, and most others that quality is measured
     *                              on.
     * @param maxTokens             Tokens that longer texts are cut to.
     * @param maxPerplexityIncrease Most that perplexity may rise on held-out texts, for instance 1%. By default 1%,
     *                              unless chai.calibration.max-kl is set.
     * @param maxKl                 Largest mean divergence from exact attention, nats per token, instead of a rise in
     *                              perplexity.
     * @param save                  What to save as much of as the bound on perplexity or divergence allows. memory is
     *                              bytes of keys and values, time is scores of attention.
     * @param answerGuard           Whether answers to short first messages, calls of tools and JSON are looked at one
     *                              by one, so that no heads share that break one.
     * @param profileDirectory      Directory of profiles, named after the fingerprints of their models, with -q4 or -q8
     *                              for quantized weights. By default .chai/profiles in the user's home directory.
     */
    public record Calibration(@DefaultValue("off") Mode mode, @Nullable String texts,
            @DefaultValue("128") int samples, @DefaultValue("1024") int maxTokens,
            @Nullable String maxPerplexityIncrease, @Nullable Double maxKl, @DefaultValue("memory") Saving save,
            @DefaultValue("true") boolean answerGuard, @Nullable String profileDirectory) {

        /** When to calibrate. */
        public enum Mode {
            /** Never. */
            OFF,
            /** If there is no profile of the model. */
            IF_MISSING,
            /** At every start. */
            ALWAYS
        }
    }

    /**
     * Settings that replace those of the profile's membership.
     *
     * @param window         Tokens at the beginning of a sequence whose attention decides which heads belong together.
     * @param offset         Tokens before the window, which do not count.
     * @param algorithm      How heads are clustered.
     * @param representative Which head represents a cluster.
     */
    public record Membership(@Nullable Integer window, @Nullable Integer offset,
            @Nullable ClusteringAlgorithm algorithm, @Nullable RepresentativeChoice representative) {}

    /**
     * Memory of keys and values.
     *
     * @param maxMemory        Budget for the keys and values of all requests together. By default a quarter of the
     *                         machine's memory.
     * @param type             How keys and values are stored. f32, bf16 or i8: four, two or one byte a number. stock
     *                         attention needs f32.
     * @param reuse            Whether keys and values of a request stay in memory for later ones that begin with the
     *                         same tokens, as the turns of a conversation do. They give way to requests that need the
     *                         memory.
     * @param maxIdleSequences Most sequences that are kept for later requests.
     */
    public record KvCache(@Nullable DataSize maxMemory, @DefaultValue("f32") KvType type,
            @DefaultValue("true") boolean reuse, @DefaultValue("8") int maxIdleSequences) {}

    /**
     * How many requests are answered at once, and what they may ask. Stock attention answers one after another and
     * knows none of this.
     *
     * @param maxConcurrent   Most requests whose answers share steps of the model.
     * @param maxWaiting      Most requests that wait for one of them to end; more are refused at once.
     * @param maxPromptTokens Most tokens of a prompt. By default what the context holds.
     * @param timeLimit       Longest that a request may take, waiting included. By default there is no limit.
     * @param maxStepTokens   Most tokens of prompts in a step in which no answer goes on.
     * @param maxSliceTokens  Most tokens of prompts in a step in which answers go on. Fewer make answers steadier while
     *                        prompts come in, and prompts slower.
     */
    public record Scheduler(@DefaultValue("16") int maxConcurrent, @DefaultValue("256") int maxWaiting,
            @Nullable Integer maxPromptTokens, @Nullable Duration timeLimit, @DefaultValue("256") int maxStepTokens,
            @DefaultValue("32") int maxSliceTokens) {}

    /**
     * Defaults for requests that do not say otherwise. What is not set here the model's generation_config.json may say.
     *
     * @param temperature     What logits are divided by; 0 takes the most likely token always. By default 0.
     * @param topP            Probability of the most likely tokens that may be chosen. By default 1, all of them.
     * @param topK            Number of the most likely tokens that may be chosen. By default all.
     * @param frequencyPenalty What the logit of a token loses for each time it came in the answer, -2 to 2.
     * @param presencePenalty What the logit of a token loses if it came in the answer, -2 to 2.
     * @param repetitionPenalty What the logit of a token that came in the prompt or the answer is divided by, or
     *                        multiplied with if it is negative. By default 1, which changes nothing.
     * @param maxOutputTokens Most tokens of an answer. By default what the context holds.
     * @param stopSequences   Comma-separated list of texts that end an answer and are not part of it. By default none.
     * @param enableThinking  Whether the model is to think before it answers, if its chat template has a switch for it.
     *                        By default the template decides.
     * @param returnThinking  Whether what the model thinks is returned, apart from the answer's text.
     * @param sendThinking    Whether the thinking of earlier messages is given to the chat template again.
     * @param seed            Where random choices start; the same seed gives the same answer. By default a different
     *                        one each time.
     * @param guess           Whether steps check tokens that may come next, looked up in prompt and answer. Answers are
     *                        the same, and come in fewer steps where they repeat what they were told.
     */
    public record Chat(@Nullable Double temperature, @Nullable Double topP, @Nullable Integer topK,
            @DefaultValue("0") double frequencyPenalty, @DefaultValue("0") double presencePenalty,
            @Nullable Double repetitionPenalty, @Nullable Integer maxOutputTokens,
            @Nullable List<String> stopSequences, @Nullable Boolean enableThinking,
            @DefaultValue("false") boolean returnThinking, @DefaultValue("false") boolean sendThinking,
            @Nullable Long seed, @DefaultValue("false") boolean guess) {

        /** Checks these defaults, sets them and returns the builder. */
        <B extends ChaiModelBuilder<B>> B applyTo(B builder) {
            ChaiOptionsFactory.requirePossible(this);
            return builder.temperature(temperature).topP(topP).topK(topK).frequencyPenalty(frequencyPenalty)
                    .presencePenalty(presencePenalty).repetitionPenalty(repetitionPenalty)
                    .maxOutputTokens(maxOutputTokens).stopSequences(stopSequences).seed(seed).guess(guess);
        }

        /** As {@link #applyTo}, with what language models, which have no template, do not know. */
        <B extends ChaiChatModelBuilder<B>> B applyToChat(B builder) {
            return applyTo(builder).enableThinking(enableThinking).returnThinking(returnThinking)
                    .sendThinking(sendThinking);
        }
    }
}
