// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import org.jspecify.annotations.Nullable;

/** The parts of an answer that are still to be written, the next on top. Immutable; stacks share what is below. */
final class Stack {
    /** Nothing is left. */
    static final Stack EMPTY = new Stack();

    private final Frame top;
    private final Stack below;
    private final long shortest;
    private final int hash;

    /** The bottom of every stack, which has itself below it. */
    private Stack() {
        this.top = Frame.Terminal.DONE;
        this.below = this;
        this.shortest = 0;
        this.hash = 1;
    }

    private Stack(Frame top, Stack below, long shortest, int hash) {
        this.top = top;
        this.below = below;
        this.shortest = shortest;
        this.hash = hash;
    }

    Stack push(Frame frame) {
        return new Stack(frame, this, Math.min(Frame.NEVER, shortest + frame.shortest()),
                31 * hash + frame.hashCode());
    }

    /** Pushes parts so that the first is on top. */
    Stack pushAll(Frame... frames) {
        Stack stack = this;
        for (int i = frames.length - 1; i >= 0; i--) {
            stack = stack.push(frames[i]);
        }
        return stack;
    }

    Frame top() {
        return top;
    }

    Stack below() {
        return below;
    }

    @SuppressWarnings("ReferenceEquality") // and nothing else, or it would go on for ever
    boolean isEmpty() {
        return below == this;
    }

    /** Returns the bytes of the shortest text that completes everything, {@link Frame#NEVER} if there is none. */
    long shortest() {
        return shortest;
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** Compares frame by frame, in a loop: answers may be nested deeper than Java's stack is. */
    @Override
    public boolean equals(@Nullable Object object) {
        if (!(object instanceof Stack other)) {
            return false;
        }
        Stack a = this;
        Stack b = other;
        while (a != b) {
            if (a.hash != b.hash || a.isEmpty() || b.isEmpty() || !a.top.equals(b.top)) {
                return false;
            }
            a = a.below;
            b = b.below;
        }
        return true;
    }
}
