// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import java.util.regex.Pattern;

import io.github.chaijlama.model.Excerpt;

/**
 * A branch, a tag, or a commit of a model.
 *
 * @param name its name; the cache has a file of this name for all but commits
 */
public record HubRevision(String name) {
    private static final int MAX_LENGTH = 200;
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    /** What Git allows in a name, as far as every file system does. */
    private static final Pattern NAME = Pattern.compile("[\\w.+@=-]+(?:/[\\w.+@=-]+)*");

    /** What the hub's models have unless somebody says otherwise. */
    public static final HubRevision MAIN = new HubRevision("main");

    /**
     * Checks a name.
     *
     * @throws IllegalArgumentException if no revision can have it
     */
    public HubRevision {
        if (name.length() > MAX_LENGTH || !NAME.matcher(name).matches() || !SafePath.staysInside(name)) {
            throw new IllegalArgumentException("expected the name of a branch or a tag, or a commit, found '"
                    + Excerpt.of(name) + "'");
        }
    }

    /** Returns whether this is a whole commit, which never changes. */
    boolean isCommit() {
        return isCommit(name);
    }

    static boolean isCommit(String text) {
        return COMMIT.matcher(text).matches();
    }

    @Override
    public String toString() {
        return name;
    }
}
