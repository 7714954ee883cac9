// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * What Llama's configuration means, rule by rule, for the families that took its keys over and changed some: each
 * method replaces one rule and returns this. {@link #family} then describes a family by those rules, which
 * {@link LlamaReader} reads a configuration by.
 */
final class LlamaRules {
    Heads headSize = (config, hiddenSize, heads) -> LlamaReader.dividedHeadSize(config, hiddenSize, heads);
    Heads kvHeads = (config, hiddenSize, heads) -> heads;
    LayerHeads layerHeads = (config, layer, heads) -> heads;
    OptionalInt heads = OptionalInt.empty();
    OptionalInt vocabularySize = OptionalInt.empty();
    int contextLength = 2048;
    double theta = 10_000;
    double epsilon = 1e-6;
    float normOffset;
    boolean tied;
    Predicate<ConfigValues> inputBias = config -> config.flag("attention_bias", false);
    Predicate<ConfigValues> outputBias = inputBias;
    HeadNorms headNorms = HeadNorms.NONE;
    boolean valueNorms;
    KeysAsValues keysAsValues = (config, layer) -> false;
    KvSource kvSource = (config, layer) -> OptionalInt.empty();
    NormPlaces normPlaces = NormPlaces.BEFORE;
    boolean fusedProjections;
    boolean sinks;
    Function<ConfigValues, Activation> activation = config -> Activation.of(config, config.text("hidden_act", "silu"));
    Scale scale = (config, size) -> 1 / Math.sqrt(size);
    ToDoubleFunction<ConfigValues> softCap = config -> 0;
    Window window = (config, layer) -> 0;
    Angles rotary = (reader, config, layer) -> Optional.of(reader.whole(theta));
    Function<ConfigValues, Optional<QueryGain>> queryGain = config -> Optional.empty();
    EmbeddingFactor embeddingMultiplier = (config, hiddenSize) -> 1;
    boolean multiplyInTableType;
    ToDoubleFunction<ConfigValues> residualMultiplier = config -> 1;
    ToDoubleFunction<ConfigValues> logitDivisor = config -> 1;
    ToDoubleFunction<ConfigValues> logitSoftCap = config -> 0;
    LayerEmbeddings layerEmbeddings = (config, hiddenSize, epsilon) -> Optional.empty();
    boolean layerScales;
    FeedForward feedForward = GatedMlp::read;
    TensorNames names = TensorNames.PLAIN;
    Optional<String> quantization = Optional.empty();

    /** Which norm queries and keys pass before they are rotated. */
    enum HeadNorms {
        /** None. */
        NONE,
        /** One for each head. */
        EACH_HEAD,
        /** One for all heads together. */
        ALL_HEADS
    }

    /** Where attention and the feed-forward network have norms. */
    enum NormPlaces {
        /** Of what goes into them. */
        BEFORE,
        /** Of what goes in, and of what comes out. */
        AROUND,
        /** Of what comes out. */
        BEHIND
    }

    /** A rule on heads. */
    @FunctionalInterface
    interface Heads {
        int of(ConfigValues config, int hiddenSize, int heads);
    }

    /** Returns the heads of a layer from those that the configuration names first. */
    @FunctionalInterface
    interface LayerHeads {
        HeadLayout of(ConfigValues config, int layer, HeadLayout heads);
    }

    /** Returns whether the values of a layer are what its keys are made of. */
    @FunctionalInterface
    interface KeysAsValues {
        boolean of(ConfigValues config, int layer);
    }

    /** Returns the layer whose keys and values a layer uses, if it has none of its own. */
    @FunctionalInterface
    interface KvSource {
        OptionalInt of(ConfigValues config, int layer);
    }

    /** Returns what tokens say to every layer; nothing in most families. */
    @FunctionalInterface
    interface LayerEmbeddings {
        Optional<LayerEmbeddingConfig> of(ConfigValues config, int hiddenSize, float epsilon);
    }

    /** Returns the factor of scores for a size of heads. */
    @FunctionalInterface
    interface Scale {
        double of(ConfigValues config, int headSize);
    }

    /** Returns how many positions a layer's queries see, 0 for all. */
    @FunctionalInterface
    interface Window {
        int of(ConfigValues config, int layer);
    }

    /** Returns the rotary embedding of a layer; none where it has none. */
    @FunctionalInterface
    interface Angles {
        Optional<Rotary> of(RotaryReader reader, ConfigValues config, int layer);
    }

    /** Returns the factor of a token's row. */
    @FunctionalInterface
    interface EmbeddingFactor {
        double of(ConfigValues config, int hiddenSize);
    }

    /** Returns the feed-forward network of a layer. */
    @FunctionalInterface
    interface FeedForward {
        FeedForwardConfig of(LayerSite site, Activation activation);
    }

    /** Returns the description of a family by these rules, which are not changed any more. */
    ModelFamily family(String modelType) {
        return new ModelFamily(modelType, config -> new LlamaReader(this, config).read(modelType, names));
    }

    /**
     * Returns the description of a family whose configuration and tensors are the text half of those of a model that
     * sees, too.
     */
    ModelFamily textHalf(String modelType) {
        return new ModelFamily(modelType, config -> textHalf(modelType, TextHalf.config(config)));
    }

    /** Reads the text half of a model that sees, too. */
    ModelConfig textHalf(String modelType, ConfigValues text) {
        return new LlamaReader(this, text).read(modelType, TextHalf.NAMES);
    }

    /** The size of a head where {@code head_dim} is not given. */
    LlamaRules headSize(int size) {
        headSize = (config, hiddenSize, heads) -> size;
        return this;
    }

    /** The number of KV heads where {@code num_key_value_heads} is not given; null there means one for every head. */
    LlamaRules kvHeads(int count) {
        kvHeads = (config, hiddenSize, heads) -> count;
        return this;
    }

    /** Heads that are not the same in all layers; their number is. */
    LlamaRules layerHeads(LayerHeads rule) {
        layerHeads = rule;
        return this;
    }

    /** Query heads and tokens where the configuration does not say how many. */
    LlamaRules sizes(int headsUnlessSaid, int vocabularyUnlessSaid) {
        heads = OptionalInt.of(headsUnlessSaid);
        vocabularySize = OptionalInt.of(vocabularyUnlessSaid);
        return this;
    }

    /** The positions of the context where {@code max_position_embeddings} is not given. */
    LlamaRules contextLength(int positions) {
        contextLength = positions;
        return this;
    }

    LlamaRules theta(double value) {
        theta = value;
        return this;
    }

    LlamaRules epsilon(double value) {
        epsilon = value;
        return this;
    }

    /** The weights of norms count from 1. */
    LlamaRules normsCountFromOne() {
        normOffset = 1;
        return this;
    }

    /** The output uses the embedding's weights unless the configuration says otherwise. */
    LlamaRules tied() {
        tied = true;
        return this;
    }

    /** Queries, keys and values have biases, outputs have none, whatever the configuration says. */
    LlamaRules qkvBias() {
        inputBias = config -> true;
        outputBias = config -> false;
        return this;
    }

    /** Queries, keys, values and outputs have biases unless the configuration says otherwise. */
    LlamaRules biasUnlessDenied() {
        inputBias = config -> config.flag("attention_bias", true);
        outputBias = inputBias;
        return this;
    }

    /** Each head's query and key passes a norm of its own before it is rotated. */
    LlamaRules headNorms() {
        headNorms = HeadNorms.EACH_HEAD;
        return this;
    }

    LlamaRules headNorms(HeadNorms norms) {
        headNorms = norms;
        return this;
    }

    /** Each head's value passes a norm without weights. */
    LlamaRules valueNorms() {
        valueNorms = true;
        return this;
    }

    /** Values that are what keys are made of, before their norm. */
    LlamaRules keysAsValues(KeysAsValues rule) {
        keysAsValues = rule;
        return this;
    }

    /** Layers that use the keys and values of earlier ones. Files may have weights for their own; nothing uses them. */
    LlamaRules kvSource(KvSource rule) {
        kvSource = rule;
        return this;
    }

    LlamaRules norms(NormPlaces places) {
        normPlaces = places;
        return this;
    }

    /** Queries, keys and values are rows of one matrix, in this order. */
    LlamaRules fusedProjections() {
        fusedProjections = true;
        return this;
    }

    /** Each head has a score of its own for attending to nothing. */
    LlamaRules sinks() {
        sinks = true;
        return this;
    }

    LlamaRules activation(Function<ConfigValues, Activation> rule) {
        activation = rule;
        return this;
    }

    LlamaRules scale(Scale rule) {
        scale = rule;
        return this;
    }

    LlamaRules softCap(ToDoubleFunction<ConfigValues> rule) {
        softCap = rule;
        return this;
    }

    LlamaRules window(Window rule) {
        window = rule;
        return this;
    }

    LlamaRules rotary(Angles rule) {
        rotary = rule;
        return this;
    }

    LlamaRules queryGain(Function<ConfigValues, Optional<QueryGain>> rule) {
        queryGain = rule;
        return this;
    }

    LlamaRules embeddingMultiplier(EmbeddingFactor rule) {
        embeddingMultiplier = rule;
        return this;
    }

    /** The factor of a token's row is rounded to the type of the table. */
    LlamaRules multiplyInTableType() {
        multiplyInTableType = true;
        return this;
    }

    /** Tokens say something to every layer, which each adds at its end. */
    LlamaRules layerEmbeddings(LayerEmbeddings rule) {
        layerEmbeddings = rule;
        return this;
    }

    /** A layer's rows are multiplied at its end. */
    LlamaRules layerScales() {
        layerScales = true;
        return this;
    }

    LlamaRules residualMultiplier(ToDoubleFunction<ConfigValues> rule) {
        residualMultiplier = rule;
        return this;
    }

    LlamaRules logitDivisor(ToDoubleFunction<ConfigValues> rule) {
        logitDivisor = rule;
        return this;
    }

    LlamaRules logitSoftCap(ToDoubleFunction<ConfigValues> rule) {
        logitSoftCap = rule;
        return this;
    }

    LlamaRules feedForward(FeedForward rule) {
        feedForward = rule;
        return this;
    }

    /** What the files may call tensors. */
    LlamaRules names(TensorNames of) {
        names = of;
        return this;
    }

    /** The only {@code quant_method} that the tensors' names and shapes are described for; the usual ones if none. */
    LlamaRules quantizedBy(String method) {
        quantization = Optional.of(method);
        return this;
    }
}
