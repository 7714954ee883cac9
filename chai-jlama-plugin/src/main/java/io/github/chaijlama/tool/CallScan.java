// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tool;

import java.util.List;
import java.util.Set;

/**
 * What is known of a call from the beginning of its object.
 *
 * @param state          how far it goes
 * @param name           name of the tool, empty as long as it is not known
 * @param argumentsStart where the arguments begin, -1 as long as they have not
 * @param argumentsEnd   where they end, or the end of the text
 * @param end            where the object ends, -1 as long as it has not
 */
record CallScan(State state, String name, int argumentsStart, int argumentsEnd, int end) {
    private static final List<String> ARGUMENTS = List.of("parameters", "arguments");
    private static final List<String> KEYS = List.of("name", "parameters", "arguments", "type", "id");
    private static final int INCOMPLETE = -1;
    private static final int BROKEN = -2;

    enum State {
        /** It is none. */
        NO_CALL,
        /** It may become one. */
        INCOMPLETE,
        /** It is one. */
        COMPLETE
    }

    /** Whether this is a call, as far as that can be known. */
    boolean hasName() {
        return !name.isEmpty();
    }

    /**
     * Looks at an object.
     *
     * @param text   begins with the object
     * @param marked whether a marker stands before it; without one it is a call only if it names one of the tools, has
     *               arguments and nothing that calls do not have
     * @param tools  names of tools
     */
    static CallScan of(String text, boolean marked, Set<String> tools) {
        return new Reader(text, marked, tools).read();
    }

    /**
     * Looks at the arguments of a call whose name is known.
     *
     * @param text begins with the object of the arguments
     */
    static CallScan ofArguments(String name, String text) {
        int end = new Reader(text, true, Set.of()).value(0);
        return end < 0 ? new CallScan(State.INCOMPLETE, name, 0, text.length(), -1)
                : new CallScan(State.COMPLETE, name, 0, end, end);
    }

    /** Reads one object. */
    private static final class Reader {
        private final String text;
        private final boolean marked;
        private final Set<String> tools;
        private String name = "";
        private int argumentsStart = -1;
        private int argumentsEnd = -1;

        Reader(String text, boolean marked, Set<String> tools) {
            this.text = text;
            this.marked = marked;
            this.tools = tools;
        }

        CallScan read() {
            int at = 0;
            char expected = '{';
            while (at >= 0) {
                at = space(at);
                if (at == text.length()) {
                    return result(State.INCOMPLETE, -1);
                }
                if (expected == ',' && text.charAt(at) == '}') {
                    boolean call = !name.isEmpty() && (marked || argumentsStart >= 0);
                    return result(call ? State.COMPLETE : State.NO_CALL, at + 1);
                }
                if (text.charAt(at) != expected) {
                    return result(State.NO_CALL, -1);
                }
                at = member(space(at + 1));
                expected = ',';
            }
            return result(at == INCOMPLETE ? State.INCOMPLETE : State.NO_CALL, -1);
        }

        private CallScan result(State state, int end) {
            return new CallScan(state, name, argumentsStart, argumentsEnd, end);
        }

        /** Returns where a member ends. */
        private int member(int at) {
            int keyEnd = value(at);
            if (at < text.length() && text.charAt(at) != '"') {
                return BROKEN;
            }
            if (keyEnd < 0) {
                String begun = at < text.length() ? text.substring(at + 1) : "";
                boolean possible = marked || KEYS.stream().anyMatch(key -> key.startsWith(begun));
                return possible ? keyEnd : BROKEN;
            }
            String key = text.substring(at + 1, keyEnd - 1);
            if (!marked && !KEYS.contains(key)) {
                return BROKEN;
            }
            int colon = space(keyEnd);
            if (colon == text.length()) {
                return INCOMPLETE;
            }
            int start = space(colon + 1);
            int end = text.charAt(colon) == ':' ? value(start) : BROKEN;
            return key.equals("name") ? named(start, end) : ARGUMENTS.contains(key) ? arguments(start, end) : end;
        }

        private int named(int start, int end) {
            if (start < text.length() && text.charAt(start) != '"') {
                return BROKEN;
            }
            if (end > 0) {
                name = text.substring(start + 1, end - 1);
                return name.isBlank() || (!marked && !tools.contains(name)) ? BROKEN : end;
            }
            return end;
        }

        private int arguments(int start, int end) {
            if (start < text.length() && end != BROKEN) {
                argumentsStart = start;
                argumentsEnd = end < 0 ? text.length() : end;
            }
            return end;
        }

        private int space(int from) {
            int at = from;
            while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
                at++;
            }
            return at;
        }

        /** Returns where a value ends; only what matters to that is looked at. */
        private int value(int start) {
            if (start >= text.length()) {
                return INCOMPLETE;
            }
            char first = text.charAt(start);
            if (first == '"') {
                return string(start);
            }
            if (first != '{' && first != '[') {
                int at = start;
                while (at < text.length() && ",}] \n\r\t".indexOf(text.charAt(at)) < 0) {
                    at++;
                }
                return at == text.length() ? INCOMPLETE : at == start ? BROKEN : at;
            }
            int depth = 0;
            int at = start;
            while (at < text.length()) {
                char character = text.charAt(at);
                if (character == '"') {
                    at = string(at);
                    if (at < 0) {
                        return at;
                    }
                    continue;
                }
                depth += character == '{' || character == '[' ? 1 : character == '}' || character == ']' ? -1 : 0;
                at++;
                if (depth == 0) {
                    return at;
                }
            }
            return INCOMPLETE;
        }

        private int string(int start) {
            for (int at = start + 1; at < text.length(); at++) {
                char character = text.charAt(at);
                if (character == '\\') {
                    at++;
                } else if (character == '"') {
                    return at + 1;
                }
            }
            return INCOMPLETE;
        }
    }
}
