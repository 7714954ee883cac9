// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * How an answer sets its whitespace, read from what it has so far: what stood behind an opening bracket, a comma, a
 * colon, and before a closing bracket, objects and lists apart. Where lines break, the indentation grows by as many
 * spaces with each bracket. One instance per answer, not thread-safe.
 */
final class WhitespaceStyle {
    private final Map<Place, String> seen;
    /** The brackets that are open, as they were written. */
    private final StringBuilder brackets;
    /** The whitespace since the last other byte. */
    private final StringBuilder run;
    /** Spaces for each open bracket, -1 if no line has shown it. */
    private int indent = -1;
    /** The last byte that was no whitespace, 0 at the beginning; any other than those below ends a value. */
    private int last;
    private boolean inString;
    private boolean escaped;

    /**
     * Where whitespace may stand.
     *
     * @param bracket the innermost one that is open there, a space for none
     * @param beside  {@code [} behind it, {@code ]} before the one that closes it, a comma or colon behind that
     */
    private record Place(char bracket, char beside) {}

    /** Creates the style of an answer that has not begun. */
    WhitespaceStyle() {
        this.seen = new HashMap<>();
        this.brackets = new StringBuilder();
        this.run = new StringBuilder();
    }

    private WhitespaceStyle(WhitespaceStyle other) {
        this.seen = new HashMap<>(other.seen);
        this.brackets = new StringBuilder(other.brackets);
        this.run = new StringBuilder(other.run);
        this.indent = other.indent;
        this.last = other.last;
        this.inString = other.inString;
        this.escaped = other.escaped;
    }

    /** Returns a style that goes on from here. */
    WhitespaceStyle copy() {
        return new WhitespaceStyle(this);
    }

    /** Takes the next byte of the answer. */
    void next(int value) {
        if (inString) {
            inString = escaped || value != '"';
            escaped = !escaped && value == '\\';
            return;
        }
        if (value == ' ' || value == '\n') {
            run.append((char) value);
            return;
        }
        place(value).ifPresent(this::remember);
        run.setLength(0);
        if (value == '{' || value == '[') {
            brackets.append((char) value);
        } else if ((value == '}' || value == ']') && !brackets.isEmpty()) {
            brackets.setLength(brackets.length() - 1);
        }
        inString = value == '"';
        last = value;
    }

    private char bracket() {
        return brackets.isEmpty() ? ' ' : brackets.charAt(brackets.length() - 1);
    }

    /** Returns the place between the last byte and one that is to come; empty where whitespace means nothing. */
    private Optional<Place> place(int value) {
        boolean closes = value == '}' || value == ']';
        char beside = switch (last) {
            case '{', '[' -> closes ? ' ' : '[';
            case ',' -> ',';
            case ':' -> ':';
            default -> closes ? ']' : ' ';
        };
        return beside == ' ' ? Optional.empty() : Optional.of(new Place(bracket(), beside));
    }

    private void remember(Place place) {
        String text = run.toString();
        if (!text.startsWith("\n")) {
            seen.put(place, text);
            return;
        }
        int depth = brackets.length() - (place.beside == ']' ? 1 : 0);
        if (depth > 0 && (text.length() - 1) % depth == 0) {
            indent = (text.length() - 1) / depth;
        }
        seen.put(place, "\n");
    }

    /**
     * Returns the whitespace that still comes before a byte, if the answer goes on as it has begun; empty if it has not
     * shown that yet.
     */
    Optional<String> before(int value) {
        return place(value).flatMap(place -> like(place).flatMap(style -> rest(style, place)));
    }

    /** Returns what stood in places of that kind: where lines break behind a bracket, they do in all of it. */
    private Optional<String> like(Place place) {
        Optional<String> known = Optional.ofNullable(seen.get(place));
        if (known.isPresent() || place.beside == ':' || place.beside == '[') {
            return known;
        }
        return Optional.ofNullable(seen.get(new Place(place.bracket, '[')))
                .filter(style -> place.beside == ']' || style.equals("\n"));
    }

    private Optional<String> rest(String style, Place place) {
        String whole = style;
        if (style.equals("\n")) {
            int depth = brackets.length() - (place.beside == ']' ? 1 : 0);
            if (depth > 0 && indent < 0) {
                return Optional.empty();
            }
            whole += " ".repeat(depth * Math.max(0, indent));
        }
        return whole.startsWith(run.toString()) ? Optional.of(whole.substring(run.length())) : Optional.empty();
    }
}
