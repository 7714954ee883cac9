// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Optional;

/**
 * Separates thinking by the marks around it, in text that comes piece by piece. Thinking is what stands
 * between the marks before the answer; what stands in the midst of an answer is the answer's. Whitespace around the
 * thinking belongs to nothing. One instance per answer, not thread-safe.
 */
final class ThinkingText implements AnswerText {

    private enum State {
        /** Thinking may begin. */
        BEFORE,
        /** The model thinks. */
        THINKING,
        /** It has thought, and may do so again. */
        AFTER,
        /** It answers. */
        ANSWER
    }

    private final String opening;
    private final String closing;
    private final StringBuilder held = new StringBuilder();
    private State state;
    /** Whether the current stretch of thinking has text, and what stands before its first. */
    private boolean hasThought;
    private String separator = "";

    /**
     * Creates a separator.
     *
     * @param marks what stands around thinking, empty for a model that does not think
     * @param begun whether the prompt ends with the mark before it
     */
    ThinkingText(Optional<ThinkingMarks> marks, boolean begun) {
        this.opening = marks.map(ThinkingMarks::opening).orElse("");
        this.closing = marks.map(ThinkingMarks::closing).orElse("");
        this.state = marks.isEmpty() ? State.ANSWER : begun ? State.THINKING : State.BEFORE;
    }

    @Override
    public boolean isThinking() {
        return state == State.THINKING;
    }

    @Override
    public boolean mayThink() {
        return state == State.BEFORE || state == State.AFTER;
    }

    @Override
    public Parts next(int token, String piece) {
        return next(piece);
    }

    /** Takes the next piece of what the model writes. */
    Parts next(String piece) {
        held.append(piece);
        StringBuilder thinking = new StringBuilder();
        StringBuilder answer = new StringBuilder();
        while (advance(thinking, answer)) {
            // until the next piece is needed
        }
        return new Parts(thinking.toString(), answer.toString());
    }

    @Override
    public Parts finish() {
        String rest = held.toString();
        held.setLength(0);
        return switch (state) {
            case THINKING -> new Parts(thought(rest.stripTrailing()), "");
            case AFTER -> new Parts("", rest.strip());
            case BEFORE, ANSWER -> new Parts("", rest);
        };
    }

    /** Returns whether there is more to do with what is held. */
    private boolean advance(StringBuilder thinking, StringBuilder answer) {
        return switch (state) {
            case BEFORE, AFTER -> begin();
            case THINKING -> think(thinking);
            case ANSWER -> {
                answer.append(held);
                held.setLength(0);
                yield false;
            }
        };
    }

    private boolean begin() {
        String text = held.toString().stripLeading();
        if (text.startsWith(opening)) {
            held.setLength(0);
            held.append(text, opening.length(), text.length());
            separator = hasThought || !separator.isEmpty() ? "\n\n" : "";
            hasThought = false;
            state = State.THINKING;
            return true;
        }
        if (opening.startsWith(text)) {
            return false;
        }
        if (state == State.AFTER) {
            held.setLength(0);
            held.append(text);
        }
        state = State.ANSWER;
        return true;
    }

    private boolean think(StringBuilder thinking) {
        int end = held.indexOf(closing);
        if (end >= 0) {
            thinking.append(thought(held.substring(0, end).stripTrailing()));
            held.delete(0, end + closing.length());
            state = State.AFTER;
            return true;
        }
        // Held back is what may be the mark's beginning, and whitespace before it.
        int certain = held.length() - longestBeginning();
        while (certain > 0 && Character.isWhitespace(held.charAt(certain - 1))) {
            certain--;
        }
        thinking.append(thought(held.substring(0, certain)));
        held.delete(0, certain);
        return false;
    }

    /** Returns a part of the thinking, the first of a stretch without whitespace before it. */
    private String thought(String part) {
        String text = hasThought ? part : part.stripLeading();
        String shown = hasThought || text.isEmpty() ? text : separator + text;
        hasThought |= !text.isEmpty();
        return shown;
    }

    private int longestBeginning() {
        for (int length = Math.min(closing.length() - 1, held.length()); length > 0; length--) {
            if (closing.startsWith(held.substring(held.length() - length))) {
                return length;
            }
        }
        return 0;
    }
}
