// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.core.io.Resource;
import org.springframework.util.unit.DataSize;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.ProfileException;

/** Turns properties into options, and speaks of properties where their values are impossible. */
final class ChaiOptionsFactory {
    private final ChaiProperties properties;

    ChaiOptionsFactory(ChaiProperties properties) {
        this.properties = properties;
    }

    ChaiOptions create() {
        AttentionMode attention = attention();
        ChaiOptions options = switch (attention) {
            case CLUSTERED -> ChaiOptions.clustered(profile());
            case EXACT -> ChaiOptions.exact();
            case STOCK -> ChaiOptions.stock();
        };
        DataSize maxMemory = properties.kvCache().maxMemory();
        if (maxMemory != null) {
            require(maxMemory.toBytes() > 0, "chai.kv-cache.max-memory", maxMemory, "Must be more than 0.");
            options = options.withKvCacheMaxBytes(maxMemory.toBytes());
        }
        Integer threads = properties.threads();
        if (threads != null) {
            require(threads > 0, "chai.threads", threads, "Must be at least 1.");
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
        return properties.profile() == null ? AttentionMode.EXACT : AttentionMode.CLUSTERED;
    }

    private ClusterProfile profile() {
        if (properties.profile() == null) {
            throw new MissingProfileException();
        }
        ChaiProperties.Membership membership = properties.membership();
        require(membership.window() == null || membership.window() > 0, "chai.membership.window", membership.window(),
                "Must be at least 1 token.");
        require(membership.offset() == null || membership.offset() >= 0, "chai.membership.offset", membership.offset(),
                "Must be 0 tokens or more.");
        return read(properties.profile()).withMembership(membership.window(), membership.offset(),
                membership.algorithm(), membership.representative());
    }

    private static ClusterProfile read(Resource resource) {
        try {
            return ClusterProfile.parse(resource.getContentAsString(StandardCharsets.UTF_8), resource.getDescription());
        } catch (FileNotFoundException e) {
            throw new ProfileException(resource.getDescription() + " does not exist", e);
        } catch (IOException e) {
            throw new ProfileException(resource.getDescription() + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Checks the defaults for requests; the models would only notice with the first request. */
    void requirePossibleChatDefaults() {
        ChaiProperties.Chat chat = properties.chat();
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
