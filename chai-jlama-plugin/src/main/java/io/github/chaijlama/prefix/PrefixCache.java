// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.prefix;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.ContextLengthException;
import io.github.chaijlama.SessionRun;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvCacheFullException;

/**
 * Sessions of a model whose requests have ended, kept for requests that begin with the same tokens. Their profile and
 * the type of their keys and values are those of the model's options, and only a session of the same attention is
 * reused. Thread-safe.
 *
 * <p>A request gets the idle session with the longest common beginning, cut back to it: at most to one token less than
 * the prompt, for the last one must be fed to know what follows it. Where that would throw away more than is reused,
 * the common part is copied instead, so that conversations with the same beginning do not take each other's memory. A
 * session in use is not in the cache; requests never share one, but the beginning of a prompt that another request is
 * answered for, or about to be, is copied where that saves enough. Where a model turns long sequences by other angles
 * than short ones, only sequences on the side of the prompt are reused: others would be calculated anew.
 *
 * <p>Idle sessions hold no memory that is needed: when a step of any session finds too little left, they are closed one
 * after another, the one that was used longest ago first. Beyond the greatest number of idle sessions they are closed
 * in the same order.
 */
public final class PrefixCache implements Sessions, SharedSessions {
    /** Fewer tokens than this are calculated sooner than they are waited for, and copied. */
    private static final int MIN_SHARED_TOKENS = 64;

    private final ChaiModel model;
    private final OptionalInt stretchedBeyond;
    /**
     * Tokens more that a request waits for once it could begin with others. Where layers have a window, it may be too
     * late for these when they have been calculated, with more behind them.
     */
    private final int worthWaiting;
    private final int maxIdle;
    /**
     * Sessions that nobody uses, the one used last at the end. Guarded by itself; no session is fed or closed
     * meanwhile.
     */
    private final Deque<Idle> idle = new ArrayDeque<>();
    /**
     * Sessions that were idle and are about to be reused or closed, with the thread that does it: still memory that a
     * step may take. Guarded by {@link #idle}.
     */
    private final Map<Idle, Thread> claimed = new HashMap<>();
    /** Sessions of requests that have not ended, if sessions are reused at all. Guarded by {@link #idle}. */
    private final Set<PrefixSession> inUse = new LinkedHashSet<>();
    private boolean closed;

    /**
     * A session that waits.
     *
     * @param tokens what it has seen
     * @param length positions that its keys are turned for, the whole prompt's of a request that was given up
     */
    private record Idle(ChaiSession session, int[] tokens, int length) {}

    /**
     * An idle session that was taken out of the cache for a prompt.
     *
     * @param length tokens at their beginnings that are the same
     */
    private record Match(Idle idle, int length) {
        int lost() {
            return idle.tokens.length - length;
        }

        boolean isBetterThan(Match other) {
            return length > other.length || length == other.length && lost() < other.lost();
        }
    }

    /**
     * Creates an empty cache and lets the model take memory from it.
     *
     * @param maxIdle the most idle sessions, 0 to keep none
     */
    public PrefixCache(ChaiModel model, int maxIdle) {
        if (maxIdle < 0) {
            throw new IllegalArgumentException("idle sequences must be 0 or more, found " + maxIdle);
        }
        this.model = model;
        this.stretchedBeyond = model.config().stretchedBeyond();
        this.worthWaiting = model.config().shortestWindow().isEmpty() ? 1 : MIN_SHARED_TOKENS;
        this.maxIdle = maxIdle;
        if (maxIdle > 0) {
            model.reclaimFrom(this::reclaim);
        }
    }

    /**
     * Starts a session for a prompt, with as many of its tokens seen as an idle session can give. What is fed until its
     * end is told is that prompt, what comes behind it the answer.
     */
    @Override
    public PrefixSession open(AttentionMode attention, int[] prompt) {
        model.requireTokens(prompt);
        ChaiSession session = copyOfOneInUse(attention, prompt)
                .or(() -> claim(attention, prompt).flatMap(this::reuse))
                .orElseGet(() -> model.newSession(attention));
        session.beginPrompt();
        PrefixSession opened = new PrefixSession(this, session, prompt);
        if (maxIdle > 0) {
            synchronized (idle) {
                inUse.add(opened);
            }
        }
        return opened;
    }

    /** Returns a copy of the common beginning of a request that has not ended, where that saves enough. */
    private Optional<ChaiSession> copyOfOneInUse(AttentionMode attention, int[] prompt) {
        PrefixSession best = null;
        int common = 0;
        synchronized (idle) {
            int without = longestIdle(attention, prompt) + MIN_SHARED_TOKENS;
            for (PrefixSession each : inUse) {
                int seen = Math.min(commonPrompt(each, attention, prompt), each.length());
                if (seen >= Math.max(without, common + 1) && each.session().canBeCopied(seen)) {
                    best = each;
                    common = seen;
                }
            }
        }
        return best == null ? Optional.empty() : copy(best.session(), common);
    }

    @Override
    public boolean isBeingCalculated(AttentionMode attention, int[] prompt) {
        synchronized (idle) {
            int worthCopying = longestIdle(attention, prompt) + MIN_SHARED_TOKENS;
            int now = 0;
            int soon = 0;
            for (PrefixSession each : inUse) {
                int common = commonPrompt(each, attention, prompt);
                if (each.session().canBeCopied(common)) {
                    int seen = Math.min(common, each.length());
                    now = each.session().canBeCopied(seen) ? Math.max(now, seen) : now;
                    soon = Math.max(soon, common);
                }
            }
            return soon >= worthCopying && (now < worthCopying || soon >= now + worthWaiting);
        }
    }

    /** Returns how many tokens of a prompt an idle session has, all but the last at most. */
    private int longestIdle(AttentionMode attention, int[] prompt) {
        int longest = 0;
        for (Idle each : idle) {
            int common = Math.min(commonLength(each.tokens, prompt), prompt.length - 1);
            if (each.session.attention() == attention && isTurnedAlike(each.length, prompt)
                    && each.session.isReusable(common)) {
                longest = Math.max(longest, common);
            }
        }
        return longest;
    }

    /** Whether the keys of so many positions are turned by the angles of a prompt's. */
    private boolean isTurnedAlike(int length, int[] prompt) {
        return stretchedBeyond.isEmpty()
                || length > stretchedBeyond.getAsInt() == prompt.length > stretchedBeyond.getAsInt();
    }

    /**
     * Returns how many tokens the prompt of a request has in common with another, all but the last at most; 0 if their
     * keys are different ones.
     */
    private int commonPrompt(PrefixSession session, AttentionMode attention, int[] prompt) {
        return session.attention() == attention
                && isTurnedAlike(Math.max(session.prompt().length, session.length()), prompt)
                        ? Math.min(commonLength(session.prompt(), prompt), prompt.length - 1)
                        : 0;
    }

    /** Says that a request has ended. */
    void ends(PrefixSession session) {
        synchronized (idle) {
            inUse.remove(session);
        }
    }

    @Override
    public Optional<KvBudget> budget() {
        return Optional.of(model.kvBudget());
    }

    @Override
    public boolean giveIdleMemory() {
        return model.trimKvCache() || model.reclaimFirst() || closeOldest();
    }

    @Override
    public float[][] step(List<Run> runs) {
        List<PrefixSession> sessions = new ArrayList<>(runs.size());
        List<SessionRun> steps = new ArrayList<>(runs.size());
        for (Run run : runs) {
            PrefixSession session = (PrefixSession) run.session();
            sessions.add(session);
            steps.add(session.toStep(run));
        }
        try {
            return model.step(steps);
        } catch (KvCacheFullException | ContextLengthException | IllegalArgumentException e) {
            throw e; // no session has changed
        } catch (RuntimeException | Error e) {
            sessions.forEach(PrefixSession::fail);
            throw e;
        }
    }

    private Optional<Match> claim(AttentionMode attention, int[] prompt) {
        synchronized (idle) {
            Optional<Match> best = Optional.empty();
            for (Idle candidate : idle) {
                Match match = new Match(candidate,
                        Math.min(commonLength(candidate.tokens, prompt), prompt.length - 1));
                if (candidate.session.attention() == attention && isTurnedAlike(candidate.length, prompt)
                        && best.map(match::isBetterThan).orElse(true)
                        && candidate.session.isReusable(match.length)) {
                    best = Optional.of(match);
                }
            }
            best.ifPresent(match -> {
                idle.remove(match.idle);
                claimed.put(match.idle, Thread.currentThread());
            });
            return best;
        }
    }

    private static int commonLength(int[] a, int[] b) {
        int different = Arrays.mismatch(a, b);
        return different < 0 ? a.length : different;
    }

    /** Returns a session with what is common; none if the one that was claimed had to give its memory to others. */
    private Optional<ChaiSession> reuse(Match match) {
        ChaiSession session = match.idle.session;
        try {
            if (match.lost() > match.length) {
                Optional<ChaiSession> copy = copy(session, match.length);
                if (copy.isPresent()) {
                    if (unclaim(match.idle)) {
                        keep(match.idle);
                    }
                    return copy;
                }
            }
            session.truncate(match.length);
        } catch (RuntimeException | Error e) {
            unclaim(match.idle);
            session.close();
            throw e;
        }
        return unclaim(match.idle) ? Optional.of(session) : Optional.empty();
    }

    private static Optional<ChaiSession> copy(ChaiSession session, int length) {
        try {
            return Optional.of(session.copy(length));
        } catch (KvCacheFullException | IllegalArgumentException _) {
            // No room for both: the old sequence gives way. Or it had to give way to others already, and was closed.
            return Optional.empty();
        }
    }

    /** Ends a claim; false if a step that needed memory has closed the session meanwhile. */
    private boolean unclaim(Idle session) {
        synchronized (idle) {
            return claimed.remove(session, Thread.currentThread());
        }
    }

    /**
     * Takes a session back whose request has ended, or closes it if what it has seen is of no use to others.
     *
     * @param prompt tokens of its prompt
     */
    void release(ChaiSession session, int[] tokens, int prompt) {
        if (maxIdle == 0 || !session.isReusable(tokens.length)) {
            session.close();
        } else {
            keep(new Idle(session, tokens, Math.max(tokens.length, prompt)));
        }
    }

    private void keep(Idle session) {
        boolean tooMany;
        synchronized (idle) {
            idle.addLast(session);
            tooMany = closed || idle.size() > maxIdle;
        }
        if (tooMany) {
            closeOldest();
        }
    }

    /** Closes the idle session used longest ago; false if there is none. */
    private boolean closeOldest() {
        return close(() -> Optional.ofNullable(idle.peekFirst()));
    }

    /** Closes the idle session used longest ago, or one that another thread has claimed and not begun to use. */
    private boolean reclaim() {
        return closeOldest() || close(() -> claimed.entrySet().stream()
                .filter(claim -> claim.getValue() != Thread.currentThread()).map(Map.Entry::getKey).findFirst());
    }

    private boolean close(Supplier<Optional<Idle>> choice) {
        Optional<Idle> chosen;
        synchronized (idle) {
            chosen = choice.get();
            chosen.ifPresent(session -> {
                idle.remove(session);
                claimed.put(session, Thread.currentThread());
            });
        }
        // Whoever needs its memory before it is closed finds it among the claimed ones.
        chosen.ifPresent(session -> {
            session.session.close();
            unclaim(session);
        });
        return chosen.isPresent();
    }

    @Override
    public int size() {
        synchronized (idle) {
            return idle.size();
        }
    }

    @Override
    public Optional<KvCacheFigures> kvCache() {
        long idleBytes;
        long allocatedBytes;
        int idleSequences;
        synchronized (idle) {
            idleBytes = model.kvCacheBytesOnlyOf(idle.stream().map(Idle::session).toList());
            allocatedBytes = model.kvCacheAllocatedBytes();
            idleSequences = idle.size();
        }
        return Optional.of(new KvCacheFigures(Math.max(0, allocatedBytes - idleBytes), idleBytes,
                model.kvCacheMaxBytes(), idleSequences, model.kvCachePageTokens(), model.kvCachePagesPerHead()));
    }

    @Override
    public void clear() {
        while (closeOldest()) {
            // the next one
        }
    }

    @Override
    public void close() {
        synchronized (idle) {
            closed = true;
        }
        clear();
    }
}
