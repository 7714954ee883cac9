// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.util.regex.Pattern;

import io.github.chaijlama.model.Excerpt;

/**
 * The name of a model on the hub.
 *
 * @param owner user or organization
 * @param name  name among the owner's models
 */
public record HubRepository(String owner, String name) {
    private static final Pattern PART = Pattern.compile("\\w(?:[\\w.-]{0,94}\\w)?");

    /**
     * Checks a name.
     *
     * @throws IllegalArgumentException if the hub gives no such names; the cache's directories are named after them
     */
    public HubRepository {
        if (!isPart(owner) || !isPart(name) || name.endsWith(".git")) {
            throw new IllegalArgumentException("expected owner/name of a model, like Qwen/Qwen2.5-0.5B-Instruct, with "
                    + "letters, digits, '-', '_' and '.', found '" + Excerpt.of(owner + "/" + name) + "'");
        }
    }

    private static boolean isPart(String part) {
        return PART.matcher(part).matches() && !part.contains("--") && !part.contains("..");
    }

    /**
     * Reads {@code owner/name}.
     *
     * @throws IllegalArgumentException if it is anything else
     */
    public static HubRepository parse(String id) {
        int slash = id.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException("expected owner/name of a model, like Qwen/Qwen2.5-0.5B-Instruct, "
                    + "found '" + Excerpt.of(id) + "'");
        }
        return new HubRepository(id.substring(0, slash), id.substring(slash + 1));
    }

    /** Returns the name of its directory in the cache. */
    String cacheName() {
        return "models--" + owner + "--" + name;
    }

    /** Returns {@code owner/name}. */
    @Override
    public String toString() {
        return owner + "/" + name;
    }
}
