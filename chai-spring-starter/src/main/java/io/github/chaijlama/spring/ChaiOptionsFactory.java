// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;
import org.springframework.core.io.ResourceLoader;
import org.springframework.util.ResourceUtils;
import org.springframework.util.unit.DataSize;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ProfileException;

/** Turns properties into options, and speaks of properties where their values are impossible. */
final class ChaiOptionsFactory {
    private static final Logger logger = LoggerFactory.getLogger(ChaiOptionsFactory.class);

    private final ChaiProperties properties;
    private final ResourceLoader resourceLoader;

    ChaiOptionsFactory(ChaiProperties properties, ResourceLoader resourceLoader) {
        this.properties = properties;
        this.resourceLoader = resourceLoader;
    }

    ChaiOptions create() {
        AttentionMode attention = attention();
        checkMembership(attention);
        ChaiOptions options = switch (attention) {
            case CLUSTERED -> ChaiOptions.clustered(profile());
            case EXACT -> ChaiOptions.exact();
            case STOCK -> ChaiOptions.stock();
        };
        options = options.withWeights(properties.model().weights());
        DataSize maxMemory = properties.kvCache().maxMemory();
        if (maxMemory != null) {
            require(maxMemory.toBytes() > 0, "chai.kv-cache.max-memory", maxMemory, "Must be more than 0.");
            options = options.withKvCacheMaxBytes(maxMemory.toBytes());
        }
        int maxIdle = properties.kvCache().maxIdleSequences();
        require(maxIdle >= 0, "chai.kv-cache.max-idle-sequences", maxIdle, "Must be 0 or more.");
        options = options.withMaxIdleSequences(properties.kvCache().reuse() ? maxIdle : 0);
        Integer threads = properties.threads();
        if (threads != null) {
            require(threads > 0 && threads <= ChaiOptions.MAX_THREADS, "chai.threads", threads,
                    "Must be 1 to " + ChaiOptions.MAX_THREADS + ".");
            options = options.withThreads(threads);
        }
        return options;
    }

    /** {@code chai.enabled: false} means exact attention and wins over {@code chai.attention}. */
    private AttentionMode attention() {
        if (!properties.enabled()) {
            return AttentionMode.EXACT;
        }
        if (properties.attention() != null) {
            return properties.attention();
        }
        return isProfileSet() ? AttentionMode.CLUSTERED : AttentionMode.EXACT;
    }

    private ClusterProfile profile() {
        if (!isProfileSet()) {
            throw new MissingProfileException();
        }
        ClusterProfile profile = read(properties.profile());
        ChaiProperties.Membership membership = properties.membership();
        if (profile.membership() instanceof Membership.Static) {
            String reason = "Decides which heads belong together, which the profile has decided for every sequence (STATIC).";
            require(membership.window() == null, "chai.membership.window", membership.window(), reason);
            require(membership.offset() == null, "chai.membership.offset", membership.offset(), reason);
            require(membership.algorithm() == null, "chai.membership.algorithm", membership.algorithm(), reason);
            require(membership.representative() == null, "chai.membership.representative",
                    membership.representative(), reason);
        }
        return profile.withMembership(membership.window(), membership.offset(), membership.algorithm(),
                membership.representative());
    }

    private boolean isProfileSet() {
        return properties.profile() != null && !properties.profile().isBlank();
    }

    private void checkMembership(AttentionMode attention) {
        ChaiProperties.Membership membership = properties.membership();
        require(membership.window() == null || membership.window() > 0, "chai.membership.window", membership.window(),
                "Must be at least 1 token.");
        require(membership.offset() == null || membership.offset() >= 0, "chai.membership.offset", membership.offset(),
                "Must be 0 tokens or more.");
        if (attention != AttentionMode.CLUSTERED && properties.enabled()
                && !membership.equals(new ChaiProperties.Membership(null, null, null, null))) {
            logger.warn("chai.membership has no effect: attention is {}", attention);
        }
    }

    /** A location without a prefix is a file, as it is for chai.model.path. */
    private ClusterProfile read(String location) {
        Resource resource = ResourceUtils.isUrl(location) ? resourceLoader.getResource(location)
                : new FileSystemResource(location);
        try {
            return ClusterProfile.parse(resource.getContentAsString(StandardCharsets.UTF_8), resource.getDescription());
        } catch (FileNotFoundException | NoSuchFileException e) {
            throw new ProfileException(resource.getDescription() + " does not exist", e);
        } catch (IOException e) {
            throw new ProfileException(resource.getDescription() + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Checks the defaults for requests; the models would only notice with the first request. */
    static void requirePossible(ChaiProperties.Chat chat) {
        require(chat.temperature() >= 0 && chat.temperature() < Double.POSITIVE_INFINITY, "chai.chat.temperature",
                chat.temperature(), "Must be 0 or more.");
        require(chat.topP() > 0 && chat.topP() <= 1, "chai.chat.top-p", chat.topP(), "Must be above 0 and at most 1.");
        require(chat.topK() == null || chat.topK() > 0, "chai.chat.top-k", chat.topK(), "Must be at least 1 token.");
        require(chat.maxOutputTokens() == null || chat.maxOutputTokens() > 0, "chai.chat.max-output-tokens",
                chat.maxOutputTokens(), "Must be at least 1 token.");
        require(!chat.stopSequences().contains(""), "chai.chat.stop-sequences", chat.stopSequences(),
                "A stop sequence must not be empty.");
    }

    private static void require(boolean possible, String property, Object value, String reason) {
        if (!possible) {
            throw new InvalidConfigurationPropertyValueException(property, value, reason);
        }
    }
}
