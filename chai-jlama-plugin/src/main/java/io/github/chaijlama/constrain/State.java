// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * What may follow a text: every way to complete it, as stacks whose top takes bytes. What is worked out about a state
 * is kept in it; two threads may work out the same at the same time, with the same result. Thread-safe.
 */
final class State {
    private static final long NEXT_BYTES = 1040;

    private final Automaton automaton;
    private final List<Stack> stacks;
    private final boolean complete;
    private final long shortest;
    private final int hash;
    private @Nullable State @Nullable [] next;
    private volatile @Nullable State shortestNext;
    private volatile @Nullable NextTokens nextTokens;
    /**
     * One more than {@link #minimumTokens}; 0, which is what a thread may see that did not make this object, if not
     * known.
     */
    private volatile int minimumTokensAndOne;

    /**
     * Creates a state.
     *
     * @param stacks   none if the text cannot go on
     * @param complete whether the text may end here
     */
    State(Automaton automaton, List<Stack> stacks, boolean complete) {
        this.automaton = automaton;
        this.stacks = stacks;
        this.complete = complete;
        this.shortest = complete ? 0 : stacks.stream().mapToLong(Stack::shortest).min().orElse(Frame.NEVER);
        this.hash = 2 * stacks.hashCode() + (complete ? 1 : 0);
    }

    List<Stack> stacks() {
        return stacks;
    }

    boolean belongsTo(Automaton other) {
        return automaton == other;
    }

    /** Whether the text may end here. */
    boolean isComplete() {
        return complete;
    }

    /** Whether the text must end here. */
    boolean isFinished() {
        return stacks.isEmpty();
    }

    /** Whether nothing completes the text: a byte of it cannot come. */
    boolean isDead() {
        return shortest == Frame.NEVER;
    }

    /** Returns the bytes of the shortest completion, {@link Frame#NEVER} if there is none. */
    long shortest() {
        return shortest;
    }

    /** Returns the state after a byte (0 to 255), a dead one if it cannot come. */
    State step(int value) {
        @Nullable State[] known = next;
        if (known == null) {
            automaton.retained(NEXT_BYTES);
            known = new @Nullable State[256];
            next = known;
        }
        // States are safe to publish without a lock: what another thread sees of them is final or worked out again.
        State after = known[value];
        if (after == null) {
            after = automaton.step(this, value);
            known[value] = after;
        }
        return after;
    }

    /** Returns the state after several bytes, a dead one if they cannot come. */
    State step(byte[] bytes) {
        State state = this;
        for (int i = 0; i < bytes.length && !state.isDead(); i++) {
            state = state.step(bytes[i] & 0xFF);
        }
        return state;
    }

    /** Whether whitespace may come that means nothing. */
    boolean mayTakeWhitespace() {
        return stacks.stream().anyMatch(stack -> stack.top() instanceof Whitespace);
    }

    /** Returns the byte that must come, whitespace aside; -1 if there are several, or the text may end here. */
    int onlyByte() {
        int only = -1;
        for (Stack stack : stacks) {
            if (stack.top() instanceof Whitespace) {
                continue;
            }
            for (int value = 0; value < 256; value++) {
                if (value != only && !((Frame.Terminal) stack.top()).step(value).equals(Frame.Terminal.IMPOSSIBLE)) {
                    if (only >= 0) {
                        return -1;
                    }
                    only = value;
                }
            }
        }
        return complete ? -1 : only;
    }

    /**
     * Returns the first byte of the shortest completion, which is the same one every time; asked only if not complete.
     */
    int shortestByte() {
        for (Stack stack : stacks) {
            // A part that may end, and is not needed, is on top of one of the stacks, and not there on another one.
            if (stack.shortest() == shortest && stack.top().shortest() > 0) {
                return ((Frame.Terminal) stack.top()).shortestByte();
            }
        }
        throw new IllegalStateException("no completion of " + shortest + " bytes among " + stacks.size());
    }

    /** Returns the state after {@link #shortestByte}, whose shortest completion is what remains of this one's. */
    State shortestNext() {
        State after = shortestNext;
        if (after == null) {
            after = automaton.step(this, shortestByte());
            shortestNext = after;
        }
        return after;
    }

    /** Returns which tokens may come. */
    NextTokens nextTokens(Vocabulary vocabulary) {
        NextTokens known = nextTokens;
        if (known == null) {
            known = NextTokens.of(this, vocabulary);
            automaton.retained(known.bytes());
            nextTokens = known;
        }
        return known;
    }

    /** Returns how many tokens complete the text, as {@link ShortestEnding} counts them. */
    int minimumTokens(Vocabulary vocabulary) {
        if (!knowsMinimumTokens()) {
            ShortestEnding.measure(this, vocabulary);
        }
        return minimumTokensAndOne - 1;
    }

    boolean knowsMinimumTokens() {
        return minimumTokensAndOne != 0;
    }

    void setMinimumTokens(int tokens) {
        minimumTokensAndOne = tokens + 1;
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public boolean equals(@Nullable Object object) {
        return object instanceof State other && complete == other.complete && hash == other.hash
                && stacks.equals(other.stacks);
    }
}
