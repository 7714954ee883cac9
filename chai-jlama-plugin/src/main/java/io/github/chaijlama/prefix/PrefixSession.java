// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.prefix;

import java.util.Arrays;
import java.util.OptionalLong;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.SessionRun;
import io.github.chaijlama.kv.KvCacheFullException;

/**
 * The session of one request, which begins with the tokens of its prompt that
 * {@linkplain #reusedTokens() are known already}. Closing it offers it to later requests. Belongs to one thread at a
 * time.
 */
public final class PrefixSession implements RequestSession {
    private final PrefixCache cache;
    private final ChaiSession session;
    private final int reusedTokens;
    private final int[] prompt;
    /** What the session has seen, as far as its length says; beyond that anything. */
    private int[] tokens;
    private boolean failed;
    private boolean closed;

    PrefixSession(PrefixCache cache, ChaiSession session, int[] prompt) {
        this.cache = cache;
        this.session = session;
        this.reusedTokens = session.length();
        this.prompt = prompt.clone();
        this.tokens = prompt.clone();
    }

    /** Returns the prompt; what comes behind it in the session is an answer. */
    int[] prompt() {
        return prompt;
    }

    ChaiSession session() {
        return session;
    }

    @Override
    public int reusedTokens() {
        return reusedTokens;
    }

    @Override
    public float[] feed(int... next) {
        remember(next, 0, next.length);
        try {
            return session.feed(next);
        } catch (KvCacheFullException | ContextLengthException | IllegalArgumentException e) {
            throw e; // the session has seen what its length says, and that is right
        } catch (RuntimeException | Error e) {
            failed = true;
            throw e;
        }
    }

    private void remember(int[] next, int from, int count) {
        int length = session.length();
        if (tokens.length < length + count) {
            tokens = Arrays.copyOf(tokens, Math.max(length + count, tokens.length + tokens.length / 2));
        }
        System.arraycopy(next, from, tokens, length, count);
    }

    /** Returns what a step does for this session. */
    SessionRun toStep(SharedSessions.Run run) {
        remember(run.tokens(), run.from(), run.count());
        return new SessionRun(session, run.tokens(), run.from(), run.count(), run.logits());
    }

    /** Says that a step broke off half way: nobody can go on with this session. */
    void fail() {
        failed = true;
    }

    @Override
    public void endPrompt() {
        try {
            session.endPrompt();
        } catch (RuntimeException | Error e) {
            failed = true;
            throw e;
        }
    }

    @Override
    public int roomForGuesses(int sure) {
        return session.roomForGuesses(sure);
    }

    @Override
    public void takeBack(int length) {
        session.truncate(length);
    }

    @Override
    public int length() {
        return session.length();
    }

    @Override
    public AttentionMode attention() {
        return session.attention();
    }

    @Override
    public OptionalLong kvCacheBytes() {
        return OptionalLong.of(session.kvCacheBytes());
    }

    /** Ends the request. What was fed completely is kept for others if it can be of use. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        cache.ends(this);
        if (failed) {
            session.close();
        } else {
            cache.release(session, Arrays.copyOf(tokens, session.length()), prompt.length);
        }
    }
}
