// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tool;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.regex.Pattern;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.io.JsonStringEncoder;

/**
 * The arguments of a call as Gemma 4 writes them, <code>{city:&lt;|"|&gt;Bonn&lt;|"|&gt;,days:[1,2]}</code>, as JSON:
 * keys have no quotation marks, and those of texts are tokens, so that nothing in texts is escaped. JSON is understood,
 * too.
 *
 * @param json as far as it is certain; only grows when more of the text comes
 * @param end  where the object ends in the text, -1 as long as it has not
 */
record GemmaArguments(String json, int end) {
    /** Before and after texts. */
    static final String QUOTE = "<|\"|>";

    private static final JsonFactory JSON = new JsonFactory();
    private static final String ENDS_OF_WORDS = ",:{}[]";
    private static final Pattern LITERAL = Pattern
            .compile("true|false|null|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?");

    /** Whether what has ended is an object of JSON; brackets of the model's may not match, and values be missing. */
    boolean isJson() {
        try (JsonParser parser = JSON.createParser(json)) {
            while (parser.nextToken() != null) {
                // until it fails
            }
            return true;
        } catch (IOException _) {
            return false;
        }
    }

    /**
     * Reads arguments.
     *
     * @param text begins with the object, may end anywhere
     */
    static GemmaArguments of(String text) {
        return new Reader(text).read();
    }

    /** Reads one object. */
    private static final class Reader {
        private final String text;
        private final StringBuilder json = new StringBuilder();
        private final Deque<Character> open = new ArrayDeque<>();
        private boolean isKey;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        GemmaArguments read() {
            while (at < text.length()) {
                char next = text.charAt(at);
                if (Character.isWhitespace(next)) {
                    json.append(next);
                    at++;
                } else if (ENDS_OF_WORDS.indexOf(next) >= 0) {
                    json.append(next);
                    at++;
                    step(next);
                    if (open.isEmpty()) {
                        return new GemmaArguments(json.toString(), at);
                    }
                } else if (!(next == '"' ? jsonString()
                        : next == '<' && QUOTE.startsWith(quoteAt()) ? string() : word())) {
                    break;
                }
            }
            return new GemmaArguments(json.toString(), -1);
        }

        private void step(char next) {
            switch (next) {
                case '{', '[' -> {
                    open.push(next);
                    isKey = next == '{';
                }
                case '}', ']' -> open.pop();
                default -> isKey = next == ',' && open.peek() == '{';
            }
        }

        private String quoteAt() {
            return text.substring(at, Math.min(text.length(), at + QUOTE.length()));
        }

        /** Takes a text between tokens; false if it has not ended. */
        private boolean string() {
            if (quoteAt().length() < QUOTE.length()) {
                return false;
            }
            int from = at + QUOTE.length();
            int end = text.indexOf(QUOTE, from);
            json.append('"').append(JsonStringEncoder.getInstance()
                    .quoteAsString(text.substring(from, end < 0 ? certainEnd(from) : end)));
            if (end < 0) {
                return false;
            }
            json.append('"');
            at = end + QUOTE.length();
            return true;
        }

        /** Returns where a text ends that goes on, but for what may be the beginning of its closing token. */
        private int certainEnd(int from) {
            int begun = Math.max(from, text.length() - QUOTE.length() + 1);
            while (begun < text.length() && !QUOTE.startsWith(text.substring(begun))) {
                begun++;
            }
            return begun;
        }

        /** Takes a string of JSON as it is; false if it has not ended. */
        private boolean jsonString() {
            int from = at++;
            while (at < text.length() && text.charAt(at) != '"') {
                at += text.charAt(at) == '\\' ? 2 : 1;
            }
            boolean ended = at < text.length();
            at = Math.min(text.length(), at + 1);
            json.append(text, from, at);
            return ended;
        }

        /** Takes a word: a key, a literal, or a text without quotation marks; false if it may go on. */
        private boolean word() {
            int from = at;
            while (at < text.length() && ENDS_OF_WORDS.indexOf(text.charAt(at)) < 0
                    && (at == from || !text.startsWith(QUOTE, at))) {
                at++;
            }
            if (at == text.length()) {
                return false;
            }
            String word = text.substring(from, at).strip();
            boolean literal = !isKey && LITERAL.matcher(word).matches();
            json.append(literal ? word : "\"" + new String(JsonStringEncoder.getInstance().quoteAsString(word)) + "\"");
            return true;
        }
    }
}
