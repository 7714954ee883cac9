// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.hub;

import org.jspecify.annotations.Nullable;

/** A model cannot be had from the hub, nor from its cache. The message says why, and what to do about it. */
public final class HubException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String problem;
    private final String action;
    private final boolean passing;

    private HubException(String problem, String action, @Nullable Throwable cause, boolean passing) {
        super(problem + ". " + action, cause);
        this.problem = problem;
        this.action = action;
        this.passing = passing;
    }

    /**
     * Creates an exception.
     *
     * @param problem what was expected and what was found, without a full stop
     * @param action  what the user can do about it, a sentence
     */
    HubException(String problem, String action, @Nullable Throwable cause) {
        this(problem, action, cause, false);
    }

    /** Creates an exception that nothing else lies behind. */
    HubException(String problem, String action) {
        this(problem, action, null);
    }

    /** Creates an exception for a hub that does not answer, or not now. */
    static HubException passing(String problem, String action, @Nullable Throwable cause) {
        return new HubException(problem, action, cause, true);
    }

    /** Returns whether the hub does not answer, or not now: a model that is in the cache may do. */
    boolean isPassing() {
        return passing;
    }

    /** Returns what was expected and what was found, without a full stop. */
    public String problem() {
        return problem;
    }

    /** Returns what the user can do about it, a sentence. */
    public String action() {
        return action;
    }
}
