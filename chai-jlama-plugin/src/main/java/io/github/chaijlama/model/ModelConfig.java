// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

import io.github.chaijlama.profile.ModelShape;

/**
 * A model as its config.json describes it, checked: everything that differs from one family to the next is a value
 * here. Immutable.
 *
 * @param modelType        {@code model_type} of config.json
 * @param hiddenSize       floats of a row between layers
 * @param intermediateSize floats of a row inside the feed-forward networks, or inside an expert
 * @param vocabularySize   number of tokens
 * @param contextLength    positions of the context
 * @param embedding        how tokens become rows
 * @param layerConfigs     the layers
 * @param output           how rows become logits
 * @param names            what tensors may be called in the files
 * @param quantization     how the files have weights of few bits
 * @param bosToken         token that begins a sequence, if the model has one
 * @param eosTokens        tokens that end an answer
 */
public record ModelConfig(String modelType, int hiddenSize, int intermediateSize, int vocabularySize, int contextLength,
        EmbeddingConfig embedding, List<LayerConfig> layerConfigs, OutputConfig output, TensorNames names,
        StoredQuantization quantization, OptionalInt bosToken, List<Integer> eosTokens) {

    public ModelConfig {
        layerConfigs = List.copyOf(layerConfigs);
        eosTokens = List.copyOf(eosTokens);
        if (layerConfigs.stream().map(layer -> layer.attention().heads().numberOfHeads()).distinct().count() != 1) {
            throw new IllegalArgumentException("layers must have the same number of query heads");
        }
    }

    /**
     * Reads the configuration of a model directory.
     *
     * @throws ModelLoadException if a file is missing or unreadable, a value impossible, or something it asks for is
     *                            not supported
     */
    public static ModelConfig read(Path directory) {
        return read(directory, Families.ALL);
    }

    /**
     * Reads the configuration of a model directory.
     *
     * @param families the families that are known
     * @throws ModelLoadException if a file is missing or unreadable, a value impossible, or something it asks for is
     *                            not supported
     */
    public static ModelConfig read(Path directory, List<ModelFamily> families) {
        return new ConfigReader(families).read(directory);
    }

    /** Returns the number of layers. */
    public int layers() {
        return layerConfigs.size();
    }

    /** Returns a layer. */
    public LayerConfig layer(int layer) {
        return layerConfigs.get(layer);
    }

    /** Returns the heads of a layer. */
    public HeadLayout heads(int layer) {
        return layer(layer).attention().heads();
    }

    /** Returns the heads of all layers. */
    public List<HeadLayout> layerHeads() {
        return attentions().stream().map(AttentionConfig::heads).toList();
    }

    /** Returns the attention of all layers. */
    public List<AttentionConfig> attentions() {
        return layerConfigs.stream().map(LayerConfig::attention).toList();
    }

    /** Returns the heads of the layers that have keys and values of their own. */
    public List<HeadLayout> storedHeads() {
        return attentions().stream().filter(AttentionConfig::hasKv).map(AttentionConfig::heads).toList();
    }

    /** Whether other layers use the keys and values of a layer, too. */
    public boolean sharesKv(int layer) {
        return attentions().stream().anyMatch(other -> other.kv().equals(new KvConfig.OfLayer(layer)));
    }

    /** Returns the query heads of every layer. */
    public int numberOfHeads() {
        return heads(0).numberOfHeads();
    }

    /** Returns the part of the shape a cluster profile depends on. */
    public ModelShape shape() {
        List<HeadLayout> heads = layerHeads();
        return new ModelShape(modelType, layers(), numberOfHeads(),
                heads.stream().map(HeadLayout::numberOfKvHeads).toList(),
                heads.stream().map(HeadLayout::headSize).toList());
    }

    /** Returns whether the output uses the embedding's weights. */
    public boolean tiedEmbeddings() {
        return output.isTied();
    }

    /** Returns the shortest sliding window of any layer, empty if no layer has one. */
    public OptionalInt shortestWindow() {
        return layerConfigs.stream().mapToInt(layer -> layer.attention().scores().window())
                .filter(window -> window > 0).min();
    }

    /** Returns the positions beyond which sequences are turned by other angles, if there are others. */
    public OptionalInt stretchedBeyond() {
        return layerConfigs.stream().flatMap(layer -> layer.attention().rotary().stream())
                .flatMapToInt(rotary -> rotary.stretchedBeyond().stream()).min();
    }

    /** Returns every weight the model is made of, and what it is for. */
    public Map<TensorPart, WeightRole> parts() {
        return ConfigParts.of(this);
    }

    /** Returns this configuration with a matrix of its own for the output. */
    public ModelConfig untied(String tensor) {
        TensorPart table = embedding.tokens();
        OutputConfig own = new OutputConfig(output.norm(), output.projection(),
                Optional.of(TensorPart.matrix(tensor, table.rows(), table.columns())), output.divisor(),
                output.softCap());
        return new ModelConfig(modelType, hiddenSize, intermediateSize, vocabularySize, contextLength, embedding,
                layerConfigs, own, names, quantization, bosToken, eosTokens);
    }

    /** Returns this configuration with other end tokens. */
    public ModelConfig withEosTokens(List<Integer> newEosTokens) {
        return new ModelConfig(modelType, hiddenSize, intermediateSize, vocabularySize, contextLength, embedding,
                layerConfigs, output, names, quantization, bosToken, newEosTokens);
    }

    /** Returns this configuration with another token that begins a sequence. */
    public ModelConfig withBosToken(OptionalInt newBosToken) {
        return new ModelConfig(modelType, hiddenSize, intermediateSize, vocabularySize, contextLength, embedding,
                layerConfigs, output, names, quantization, newBosToken, eosTokens);
    }

    /** Returns this configuration with a shorter context. */
    public ModelConfig withContextLength(int newContextLength) {
        return new ModelConfig(modelType, hiddenSize, intermediateSize, vocabularySize, newContextLength, embedding,
                layerConfigs, output, names, quantization, bosToken, eosTokens);
    }
}
