// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A pushdown automaton over bytes, made deterministic as far as answers have gone: a state is the set of all stacks
 * that the text so far can have led to, and equal states are one object, so that what is known about one is known for
 * good. Thread-safe.
 */
final class Automaton {
    /**
     * Ways to read a text that are followed at the same time. Leaving some out leaves some answers out, never lets in a
     * wrong one; the shortest is always among those that stay.
     */
    private static final int MAX_STACKS = 1024;
    private static final long STATE_BYTES = 250;
    private static final long STACK_BYTES = 80;

    private final Map<State, State> states = new ConcurrentHashMap<>();
    private final AtomicLong retained = new AtomicLong();

    /** Returns the state of stacks whose tops need not take bytes yet, a dead one if none can be completed. */
    State state(List<Stack> stacks) {
        Set<Stack> closed = new LinkedHashSet<>();
        boolean complete = close(stacks, closed);
        List<Stack> kept = closed.size() <= MAX_STACKS ? List.copyOf(closed)
                : closed.stream().sorted(Comparator.comparingLong(Stack::shortest)).limit(MAX_STACKS).toList();
        return intern(new State(this, kept, complete));
    }

    /** Returns this automaton's own state for one of another. */
    State adopt(State state) {
        return intern(new State(this, state.stacks(), state.isComplete()));
    }

    private State intern(State state) {
        State known = states.putIfAbsent(state, state);
        if (known == null) {
            retained(STATE_BYTES + STACK_BYTES * state.stacks().size());
        }
        return known == null ? state : known;
    }

    /** Returns the state after a byte, a dead one if it cannot come. */
    State step(State from, int value) {
        List<Stack> after = new ArrayList<>();
        for (Stack stack : from.stacks()) {
            Frame.Terminal rest = ((Frame.Terminal) stack.top()).step(value);
            if (!rest.equals(Frame.Terminal.IMPOSSIBLE)) {
                after.add(rest.equals(Frame.Terminal.DONE) ? stack.below() : stack.below().push(rest));
            }
        }
        return state(after);
    }

    /**
     * Replaces parts that stand for others until every top takes bytes.
     *
     * @return whether nothing may be left
     */
    private static boolean close(List<Stack> stacks, Set<Stack> closed) {
        boolean complete = false;
        Set<Stack> expanded = new HashSet<>();
        Deque<Stack> open = new ArrayDeque<>(stacks);
        while (!open.isEmpty()) {
            Stack stack = open.poll();
            if (stack.isEmpty()) {
                complete = true;
            } else if (stack.shortest() < Frame.NEVER) {
                switch (stack.top()) {
                    case Frame.Nonterminal part -> {
                        if (expanded.add(stack)) {
                            part.expand(stack.below(), open::add);
                        }
                    }
                    case Frame.Terminal part -> {
                        if (closed.add(stack) && part.canEnd()) {
                            open.add(stack.below());
                        }
                    }
                }
            }
        }
        return complete;
    }

    /** Notes that so many more bytes of memory are used. */
    void retained(long bytes) {
        retained.addAndGet(bytes);
    }

    /** Returns about how many bytes of memory the states use. */
    long retained() {
        return retained.get();
    }
}
