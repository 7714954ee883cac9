// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TokenModel;
import io.github.chaijlama.generate.RequestFigures;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.langchain4j.ChaiEngine;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.prefix.KvCacheFigures;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.ModelShape;
import io.github.chaijlama.schedule.Scheduler;
import io.github.chaijlama.schedule.SchedulerFigures;

/**
 * A model as the endpoint {@code chai} shows it.
 *
 * @param model     what it is
 * @param attention how it attends
 * @param kvCache   its memory of keys and values; null for Jlama's own, which does not tell
 * @param requests  what was asked and done
 * @param sequences requests that share steps or wait for that
 */
public record ModelReport(Facts model, Attention attention, @Nullable KvCache kvCache, Requests requests,
        List<Sequence> sequences) {

    /**
     * What a model is.
     *
     * @param name       its name in requests
     * @param family     {@code model_type} of its config.json
     * @param layers     layers
     * @param heads      query heads of a layer
     * @param kvHeads    key/value heads of a layer, null where layers have different ones
     * @param headSize   floats of a head, null where layers have different ones
     * @param context    tokens of its context
     * @param vocabulary tokens it knows
     * @param window     shortest sliding window of a layer, null if none has one
     * @param parameters weights
     * @param weights    the type most weights have in memory
     * @param bytes      memory of all weights
     * @param operators  what multiplies with them
     */
    public record Facts(String name, String family, int layers, int heads, @Nullable Integer kvHeads,
            @Nullable Integer headSize, int context, int vocabulary, @Nullable Integer window, long parameters,
            String weights, long bytes, String operators) {}

    /**
     * How a model attends.
     *
     * @param ofNewSequences attention of requests that name none
     * @param membership     how heads find their cluster, null without a profile
     * @param clusters       clusters of each layer, none without a profile
     */
    public record Attention(String ofNewSequences, @Nullable String membership, List<Integer> clusters) {}

    /**
     * Memory of keys and values.
     *
     * @param type          how they are stored
     * @param usedBytes     memory of requests that have not ended
     * @param idleBytes     memory that gives way, of sequences kept for later requests
     * @param maxBytes      budget
     * @param usage         share of the budget that is used, 0 to 1
     * @param idleSequences sequences kept for later requests
     */
    public record KvCache(String type, long usedBytes, long idleBytes, long maxBytes, double usage,
            int idleSequences) {}

    /**
     * What was asked and done since the model was loaded.
     *
     * @param running      requests that share steps; null for Jlama's own attention, as all below that speak of steps
     * @param waiting      requests that wait for that
     * @param refused      requests for which there was no place
     * @param paused       how often a request gave way to others
     * @param inputTokens  tokens of prompts
     * @param reusedTokens those of them that idle sequences had
     * @param outputTokens tokens of answers
     * @param steps        steps
     * @param stepRows     tokens calculated by them
     */
    public record Requests(@Nullable Integer running, @Nullable Integer waiting, @Nullable Long refused,
            @Nullable Long paused, long inputTokens, long reusedTokens, long outputTokens, @Nullable Long steps,
            @Nullable Long stepRows) {}

    /**
     * A request that has not ended.
     *
     * @param number       which request of the model it is, from 0
     * @param running      whether it shares steps; otherwise it waits
     * @param attention    its attention
     * @param promptTokens tokens of its prompt
     * @param reusedTokens those that an idle sequence had
     * @param answerTokens tokens of its answer so far
     * @param length       tokens whose keys and values are there
     */
    public record Sequence(long number, boolean running, String attention, int promptTokens, int reusedTokens,
            int answerTokens, int length) {}

    /** Returns how a model is now. */
    static ModelReport of(ChaiEngine engine) {
        TextModel text = engine.textModel();
        TokenModel model = text.tokenModel();
        Optional<SchedulerFigures> scheduler = text.scheduler().map(Scheduler::figures);
        return new ModelReport(facts(engine.modelName(), model), attention(text.defaultAttention(), model.options()),
                text.kvCacheFigures().map(figures -> kvCache(figures, model.options())).orElse(null),
                requests(text.requestFigures(), scheduler.orElse(null)),
                scheduler.map(ModelReport::sequences).orElse(List.of()));
    }

    static Facts facts(String name, TokenModel model) {
        ModelConfig config = model.config();
        ModelShape shape = config.shape();
        return new Facts(name, config.modelType(), config.layers(), shape.heads(), ofEveryLayer(shape.kvHeads()),
                ofEveryLayer(shape.headSizes()), config.contextLength(), config.vocabularySize(),
                config.shortestWindow().isPresent() ? config.shortestWindow().getAsInt() : null,
                model.numberOfParameters(), model.weightType(), model.weightBytes(), model.operators());
    }

    private static @Nullable Integer ofEveryLayer(List<Integer> ofLayers) {
        return ofLayers.size() == 1 ? ofLayers.getFirst() : null;
    }

    private static Attention attention(AttentionMode mode, ChaiOptions options) {
        Optional<ClusterProfile> profile = options.profile();
        return new Attention(word(mode),
                profile.map(of -> of.membership().getClass().getSimpleName().toLowerCase(Locale.ROOT)).orElse(null),
                profile.map(ClusterProfile::clusters).orElse(List.of()));
    }

    private static KvCache kvCache(KvCacheFigures figures, ChaiOptions options) {
        return new KvCache(word(options.kvCacheType()), figures.usedBytes(), figures.idleBytes(), figures.maxBytes(),
                figures.usage(), figures.idleSequences());
    }

    private static Requests requests(RequestFigures tokens, @Nullable SchedulerFigures scheduler) {
        if (scheduler == null) {
            return new Requests(null, null, null, null, tokens.promptTokens(), tokens.reusedTokens(),
                    tokens.generatedTokens(), null, null);
        }
        return new Requests(scheduler.running(), scheduler.waiting(), scheduler.refused(), scheduler.pauses(),
                tokens.promptTokens(), tokens.reusedTokens(), tokens.generatedTokens(), scheduler.steps(),
                scheduler.rows());
    }

    private static List<Sequence> sequences(SchedulerFigures figures) {
        return figures.sequences().stream()
                .map(of -> new Sequence(of.number(), of.isRunning(), word(of.attention()), of.promptTokens(),
                        of.reusedTokens(), of.answerTokens(), of.length()))
                .toList();
    }

    static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }
}
