// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.operation;

import java.util.Locale;

import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.generate.FinishReason;
import io.github.chaijlama.generate.StoppingException;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.schedule.BusyException;
import io.github.chaijlama.schedule.TimeLimitException;

/** How a request ended, in the words of metrics. */
enum Outcome {
    /** The model has said all, or a stop sequence came. */
    STOP,
    /** The answer is as long as it may be. */
    LENGTH,
    /** Whoever asked wanted no more. */
    CANCELLED,
    /** Too many requests were there already. */
    REFUSED,
    /** The application was about to stop. */
    STOPPING,
    /** It was too long for the model or the limits, or made no sense. */
    INVALID,
    /** It took longer than it may. */
    TIMEOUT,
    /** There was no memory for its keys and values. */
    MEMORY,
    /** Anything else. */
    ERROR;

    static Outcome of(FinishReason reason) {
        return switch (reason) {
            case END_TOKEN, STOP_SEQUENCE -> STOP;
            case MAX_TOKENS, CONTEXT_FULL -> LENGTH;
            case CANCELLED -> CANCELLED;
        };
    }

    static Outcome of(Throwable error) {
        return switch (error) {
            case BusyException _ -> REFUSED;
            case StoppingException _ -> STOPPING;
            case TimeLimitException _ -> TIMEOUT;
            case KvCacheFullException _ -> MEMORY;
            case ContextLengthException _ -> INVALID;
            case IllegalArgumentException _ -> INVALID;
            default -> ERROR;
        };
    }

    /** Returns the value of the tag {@code outcome}. */
    String tag() {
        return name().toLowerCase(Locale.ROOT);
    }
}
