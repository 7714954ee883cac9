// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.function.Consumer;

/** A part of an answer that is still to be written. Immutable, with equality by value. */
sealed interface Frame {
    /** What {@link #shortest} returns for a part that cannot be written at all; sums of a few of it do not overflow. */
    long NEVER = Long.MAX_VALUE / 8;

    /** Returns the bytes of the shortest text that completes this part, {@link #NEVER} if there is none. */
    long shortest();

    /** A part that takes bytes. */
    non-sealed interface Terminal extends Frame {
        /** A part that is complete. */
        Terminal DONE = new Done();
        /** A part that cannot be written: what a byte leads to that cannot come. */
        Terminal IMPOSSIBLE = new Impossible();

        /**
         * Returns what is left after a byte, {@link #DONE} if nothing is, {@link #IMPOSSIBLE} if the byte cannot come.
         *
         * @param value the byte, 0 to 255
         */
        Terminal step(int value);

        /** Whether the part may end here. */
        boolean canEnd();

        /** Returns a byte after which {@link #shortest} is one less; asked only where it is not 0. */
        int shortestByte();
    }

    /** A part that stands for others. */
    non-sealed interface Nonterminal extends Frame {
        /** Gives every stack that this part on top of {@code below} may become. */
        void expand(Stack below, Consumer<Stack> alternatives);
    }

    /** Nothing is left. */
    record Done() implements Terminal {
        @Override
        public long shortest() {
            return 0;
        }

        @Override
        public Terminal step(int value) {
            return IMPOSSIBLE;
        }

        @Override
        public boolean canEnd() {
            return true;
        }

        @Override
        public int shortestByte() {
            throw new IllegalStateException("nothing is left to write");
        }
    }

    /** Nothing completes it. */
    record Impossible() implements Terminal {
        @Override
        public long shortest() {
            return NEVER;
        }

        @Override
        public Terminal step(int value) {
            return IMPOSSIBLE;
        }

        @Override
        public boolean canEnd() {
            return false;
        }

        @Override
        public int shortestByte() {
            throw new IllegalStateException("nothing completes this part");
        }
    }
}
