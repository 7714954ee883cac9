// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kv;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * How much memory keys and values may take, of one model or of several together. The pools of all of them draw on it.
 * Thread-safe.
 *
 * <p>When it is short, whoever takes steps for a model, a {@link Member}, helps itself first: idle sequences go, then
 * its youngest. Only when its last sequence lacks memory that others have do these come into it: members then go first
 * one after another, in the order in which they were short. While one goes first, the others begin nothing, and give
 * what it lacks: idle sequences, then running ones, which are calculated again later. So one of all goes on always, and
 * who had to give goes first after it.
 */
public final class KvBudget {
    private final long maxBytes;
    private final Set<Member> members = new LinkedHashSet<>();
    /** Those that are short of memory, or had to give. */
    private final Deque<Member> queue = new ArrayDeque<>();
    private long taken;

    /**
     * Creates a budget of which nothing is taken.
     *
     * @param maxBytes size in bytes
     */
    public KvBudget(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /** Returns the size in bytes. */
    public long maxBytes() {
        return maxBytes;
    }

    /** Returns the bytes that pools have taken: what they hold from the operating system or have set aside. */
    public synchronized long takenBytes() {
        return taken;
    }

    /** Takes so many bytes, or none and returns false. */
    synchronized boolean take(long bytes) {
        if (bytes > maxBytes - taken) {
            return false;
        }
        taken += bytes;
        return true;
    }

    /** Takes at most so many pieces of so many bytes and returns how many. */
    synchronized long takeUpTo(long pieces, int bytesEach) {
        long got = Math.min(pieces, (maxBytes - taken) / bytesEach);
        taken += got * bytesEach;
        return got;
    }

    synchronized void giveBack(long bytes) {
        taken -= bytes;
    }

    /**
     * Becomes one of those that take turns.
     *
     * @param wake called on any thread when something has changed for the member; it must return at once
     */
    public synchronized Member join(Runnable wake) {
        Member member = new Member(wake);
        members.add(member);
        return member;
    }

    private void wakeAll() {
        members.forEach(each -> each.wake.run());
    }

    /** Whoever takes the steps of a model. Its methods are called by the thread that does. */
    public final class Member implements AutoCloseable {
        private final Runnable wake;
        /** What its next step lacks. */
        private long wanted;
        private boolean hasNothing;

        private Member(Runnable wake) {
            this.wake = wake;
        }

        private boolean isFirst() {
            return queue.peekFirst() == this;
        }

        /**
         * Asks for the turn to go first, because the last sequence of this member lacks memory.
         *
         * @param bytes what it lacks
         * @return false if nobody has any that could be given
         */
        public boolean ask(long bytes) {
            synchronized (KvBudget.this) {
                if (!queue.contains(this)) {
                    queue.addLast(this);
                }
                if (!isFirst()) {
                    return true;
                }
                if (members.stream().allMatch(each -> each == this || each.hasNothing)) {
                    end();
                    return false;
                }
                wanted = bytes;
                wakeAll();
                return true;
            }
        }

        /** Whether another goes first, so that nothing new may begin here. */
        public boolean mustWait() {
            synchronized (KvBudget.this) {
                return !queue.isEmpty() && !isFirst();
            }
        }

        /** Whether the one that goes first lacks memory that this one may have. */
        public boolean mustGive() {
            synchronized (KvBudget.this) {
                return mustWait() && !hasNothing && queue.getFirst().wanted > maxBytes - taken;
            }
        }

        /** Says that a running sequence has given way: this one goes first later. */
        public void hasGivenWay() {
            synchronized (KvBudget.this) {
                if (!queue.contains(this)) {
                    queue.addLast(this);
                }
            }
        }

        /** Tells the one that goes first to try again, since memory was given back here. */
        public void hasReturnedMemory() {
            synchronized (KvBudget.this) {
                if (mustWait()) {
                    queue.getFirst().wake.run();
                }
            }
        }

        /** Says that there is nothing here that could be given to the one that goes first. */
        public void hasNothingToGive() {
            synchronized (KvBudget.this) {
                hasNothing = true;
                hasReturnedMemory();
            }
        }

        /** Ends this one's turn to go first, or its wait for it: a sequence has ended, or there is none. */
        public void end() {
            synchronized (KvBudget.this) {
                if (queue.remove(this)) {
                    wanted = 0;
                    members.forEach(each -> each.hasNothing = false);
                    wakeAll();
                }
            }
        }

        /** Takes no part any more. */
        @Override
        public void close() {
            synchronized (KvBudget.this) {
                members.remove(this);
                end();
                wakeAll();
            }
        }
    }
}
