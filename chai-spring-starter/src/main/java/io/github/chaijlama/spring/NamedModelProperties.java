// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import org.jspecify.annotations.Nullable;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.Operators;
import io.github.chaijlama.WeightType;
import io.github.chaijlama.kv.KvType;

/**
 * Settings of one of several models. What is not set here is as it is for all, but for the model itself
 * and its profile.
 *
 * @param path             Directory of the model in Hugging Face layout, or classpath: and the name of a directory on
 *                         the class path.
 * @param repository       Model of the Hugging Face hub, owner/name, instead of a path.
 * @param revision         Branch, tag or commit of the repository. By default main.
 * @param name             Name of the model in requests and responses. By default the repository, or the name of the
 *                         directory.
 * @param weights          Type the weights are kept in.
 * @param generationConfig Whether the model's generation_config.json says how requests are answered that say nothing
 *                         else.
 * @param enabled          Whether heads that attend alike share scores and keys.
 * @param attention        Attention of the model.
 * @param profile          Cluster profile of the model.
 * @param operators        What calculates matrix products.
 * @param calibration      Calibration of the model when the application starts.
 * @param membership       Settings that replace those of the profile's membership.
 * @param kvCache          Keys and values.
 * @param scheduler        How many requests are answered at once, and what they may ask.
 * @param chat             Defaults for requests that do not say otherwise.
 */
public record NamedModelProperties(@Nullable String path, @Nullable String repository, @Nullable String revision,
        @Nullable String name, @Nullable WeightType weights, @Nullable Boolean generationConfig,
        @Nullable Boolean enabled, @Nullable AttentionMode attention, @Nullable String profile,
        @Nullable Operators operators, ChaiProperties.@Nullable Calibration calibration,
        ChaiProperties.@Nullable Membership membership, @Nullable KvCache kvCache,
        ChaiProperties.@Nullable Scheduler scheduler, ChaiProperties.@Nullable Chat chat) {

    /**
     * Keys and values of one of several models. Their memory is bounded for all together.
     *
     * @param type             How keys and values are stored.
     * @param reuse            Whether keys and values of a request stay in memory for later ones that begin with the
     *                         same tokens.
     * @param maxIdleSequences Most sequences that are kept for later requests.
     */
    public record KvCache(@Nullable KvType type, @Nullable Boolean reuse, @Nullable Integer maxIdleSequences) {}
}
