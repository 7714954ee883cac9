// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Optional;

/**
 * Separates thinking by the marks around it, in text that comes piece by piece. Thinking is what stands
 * between the marks before the answer; what stands in the midst of an answer is the answer's. Whitespace around the
 * thinking belongs to nothing. Where a model marks its answer, too, these marks belong to nothing, either, nor does
 * whitespace within them. One instance per answer, not thread-safe.
 */
final class ThinkingText implements AnswerText {

    private enum State {
        /** Thinking may begin. */
        BEFORE,
        /** The model thinks. */
        THINKING,
        /** It has thought, or ended a marked answer, and may do so again. */
        AFTER,
        /** It answers between marks. */
        MARKED_ANSWER,
        /** It answers. */
        ANSWER
    }

    private final String opening;
    private final String closing;
    private final String beforeAnswer;
    private final String afterAnswer;
    private final StringBuilder held = new StringBuilder();
    private State state;
    /** Whether the current stretch of thinking has text, and what stands before its first. */
    private boolean hasThought;
    private String separator = "";
    /** Whether the marked answer has text. */
    private boolean hasAnswered;

    /**
     * Creates a separator.
     *
     * @param marks what stands around thinking, empty for a model that does not think
     * @param begun whether the prompt ends with the mark before it
     */
    ThinkingText(Optional<ThinkingMarks> marks, boolean begun) {
        this.opening = marks.map(ThinkingMarks::opening).orElse("");
        this.closing = marks.map(ThinkingMarks::closing).orElse("");
        this.beforeAnswer = marks.map(ThinkingMarks::beforeAnswer).orElse("");
        this.afterAnswer = marks.map(ThinkingMarks::afterAnswer).orElse("");
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
            case AFTER -> new Parts("", rest.isBlank() ? "" : (hasAnswered ? "\n\n" : "") + rest.strip());
            case MARKED_ANSWER -> new Parts("", answered(rest.stripTrailing()));
            case BEFORE, ANSWER -> new Parts("", rest);
        };
    }

    /** Returns whether there is more to do with what is held. */
    private boolean advance(StringBuilder thinking, StringBuilder answer) {
        return switch (state) {
            case BEFORE, AFTER -> begin();
            case THINKING -> think(thinking);
            case MARKED_ANSWER -> answer(answer);
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
        boolean isMarked = !beforeAnswer.isEmpty() && text.startsWith(beforeAnswer);
        if (!isMarked && (opening.startsWith(text) || beforeAnswer.startsWith(text))) {
            return false;
        }
        if (isMarked || state == State.AFTER) {
            held.setLength(0);
            held.append(hasAnswered ? "\n\n" : "").append(isMarked ? text.substring(beforeAnswer.length()) : text);
        }
        state = isMarked ? State.MARKED_ANSWER : State.ANSWER;
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
        thinking.append(thought(takeCertain(closing)));
        return false;
    }

    private boolean answer(StringBuilder answer) {
        int end = held.indexOf(afterAnswer);
        if (end >= 0) {
            answer.append(answered(held.substring(0, end).stripTrailing()));
            held.delete(0, end + afterAnswer.length());
            state = State.AFTER;
            return true;
        }
        answer.append(answered(takeCertain(afterAnswer)));
        return false;
    }

    /** Takes what is held but for what may be a mark's beginning, and whitespace before it. */
    private String takeCertain(String mark) {
        int certain = held.length() - longestBeginning(mark);
        while (certain > 0 && Character.isWhitespace(held.charAt(certain - 1))) {
            certain--;
        }
        String taken = held.substring(0, certain);
        held.delete(0, certain);
        return taken;
    }

    /** Returns a part of a marked answer, the first without whitespace before it. */
    private String answered(String part) {
        String text = hasAnswered ? part : part.stripLeading();
        hasAnswered |= !text.isEmpty();
        return text;
    }

    /** Returns a part of the thinking, the first of a stretch without whitespace before it. */
    private String thought(String part) {
        String text = hasThought ? part : part.stripLeading();
        String shown = hasThought || text.isEmpty() ? text : separator + text;
        hasThought |= !text.isEmpty();
        return shown;
    }

    private int longestBeginning(String mark) {
        for (int length = Math.min(mark.length() - 1, held.length()); length > 0; length--) {
            if (mark.startsWith(held.substring(held.length() - length))) {
                return length;
            }
        }
        return 0;
    }
}
