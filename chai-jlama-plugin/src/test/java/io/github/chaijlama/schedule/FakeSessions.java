// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.kv.KvBudget;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.kv.PagePool;
import io.github.chaijlama.prefix.RequestSession;
import io.github.chaijlama.prefix.SharedSessions;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A model without arithmetic: what follows some tokens is a number made of all of them, and of which of them were fed
 * as a prompt and which as an answer. Its memory is real, a page of eight bytes for each two tokens.
 */
final class FakeSessions implements SharedSessions {
    static final int VOCABULARY = 97;
    private static final int TOKENS_PER_PAGE = 2;
    /** Guesses are possible from so many tokens on, and not across a multiple of the other. */
    static final int FIRST_GUESS = 10;
    static final int TURN = 50;

    final PagePool pool;
    final List<List<Run>> steps = new ArrayList<>();
    final Set<FakeSession> open = new HashSet<>();
    volatile Consumer<List<Run>> beforeStep = runs -> {};

    FakeSessions(int pages) {
        this(new KvBudget(pages * 8L));
    }

    FakeSessions(KvBudget budget) {
        this.pool = new PagePool(budget, 8);
    }

    @Override
    public Optional<KvBudget> budget() {
        return Optional.of(pool.budget());
    }

    @Override
    public boolean giveIdleMemory() {
        return pool.trim();
    }

    /** Returns the token that follows others, for a twin that no scheduler knows. */
    static int next(int[] tokens, int length, int promptLength) {
        long hash = 17;
        for (int i = 0; i < length; i++) {
            hash = hash * 31 + tokens[i] * 2L + (i < promptLength ? 0 : 1);
        }
        return (int) Math.floorMod(hash ^ hash >>> 17, (long) VOCABULARY);
    }

    @Override
    public RequestSession open(AttentionMode attention, int[] prompt) {
        if (attention == AttentionMode.STOCK) {
            throw new IllegalArgumentException("no STOCK attention here");
        }
        FakeSession session = new FakeSession(attention);
        open.add(session);
        return session;
    }

    @Override
    public float[][] step(List<Run> runs) {
        beforeStep.accept(runs);
        List<PagePool.Reservation> reservations = new ArrayList<>();
        try {
            for (Run run : runs) {
                FakeSession session = (FakeSession) run.session();
                int after = (session.length + run.count() + TOKENS_PER_PAGE - 1) / TOKENS_PER_PAGE;
                reservations.add(pool.reserve(Math.max(0, after - session.pages.size()), session.pages.size() * 8L));
            }
        } catch (KvCacheFullException e) {
            reservations.forEach(PagePool.Reservation::close);
            throw e.ofRun(reservations.size());
        }
        List<float[]> logits = new ArrayList<>();
        for (int i = 0; i < runs.size(); i++) {
            Run run = runs.get(i);
            FakeSession session = (FakeSession) run.session();
            while (reservations.get(i).remaining() > 0) {
                session.pages.add(reservations.get(i).take());
            }
            reservations.get(i).close();
            session.take(run);
            for (int length = session.length - run.logits() + 1; length <= session.length; length++) {
                float[] row = new float[VOCABULARY];
                row[next(session.tokens, length, session.promptLength)] = 1;
                logits.add(row);
            }
        }
        steps.add(List.copyOf(runs));
        return logits.toArray(float[][]::new);
    }

    /** A sequence of tokens. */
    final class FakeSession implements RequestSession {
        private final AttentionMode attention;
        private final List<PagePool.Page> pages = new ArrayList<>();
        private int[] tokens = new int[0];
        private int length;
        private int promptLength = Integer.MAX_VALUE;
        private boolean closed;

        FakeSession(AttentionMode attention) {
            this.attention = attention;
        }

        private void take(Run run) {
            if (closed) {
                throw new IllegalStateException("a step of a closed session");
            }
            int certain = run.count() - Math.max(0, run.logits() - 1);
            assertThat(run.count() - certain).as("guesses").isLessThanOrEqualTo(
                    run.count() == certain ? 0 : roomForGuesses(certain));
            tokens = Arrays.copyOf(tokens, length + run.count());
            System.arraycopy(run.tokens(), run.from(), tokens, length, run.count());
            length += run.count();
        }

        @Override
        public int roomForGuesses(int sure) {
            // As in the window that clusters are decided from, and where angles become others.
            int after = length + sure;
            return after < FIRST_GUESS ? 0 : after % TURN == 0 ? 0 : TURN - after % TURN;
        }

        @Override
        public void takeBack(int newLength) {
            assertThat(newLength).as("taken back to").isBetween(FIRST_GUESS, length - 1);
            length = newLength;
            while (pages.size() > (length + TOKENS_PER_PAGE - 1) / TOKENS_PER_PAGE) {
                pool.release(pages.removeLast());
            }
        }

        boolean isPrompt() {
            return promptLength == Integer.MAX_VALUE;
        }

        @Override
        public int reusedTokens() {
            return 0;
        }

        @Override
        public float[] feed(int... next) {
            throw new UnsupportedOperationException("a scheduler takes steps");
        }

        @Override
        public void endPrompt() {
            if (isPrompt()) {
                promptLength = length;
            }
        }

        @Override
        public int length() {
            return length;
        }

        @Override
        public AttentionMode attention() {
            return attention;
        }

        @Override
        public OptionalLong kvCacheBytes() {
            return OptionalLong.of(length * 4L);
        }

        @Override
        public void close() {
            if (closed) {
                throw new IllegalStateException("closed twice");
            }
            closed = true;
            open.remove(this);
            pages.forEach(pool::release);
        }
    }
}
