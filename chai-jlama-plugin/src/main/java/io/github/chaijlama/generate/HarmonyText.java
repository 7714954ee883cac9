// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Separates the messages of an answer in the format of gpt-oss ({@link HarmonyTokens}): the channel {@code analysis} is
 * thinking; {@code final}, and {@code commentary} to nobody, is the answer's text; a message to a tool stands in the
 * text as a call does, with {@code <|channel|>commentary to=functions.add<|message|>} before its arguments, whichever
 * way the model wrote its beginning. Text without any such beginning is the answer's.
 */
final class HarmonyText implements AnswerText {
    private static final Pattern RECIPIENT = Pattern.compile("\\bto=([^\\s<]+)");
    private static final Pattern CHANNEL = Pattern.compile("<\\|channel\\|>\\s*(\\w+)");
    private static final String TO = "to=";

    private final HarmonyTokens tokens;
    private State state;
    /** What stands before the text of the message, from the role on. */
    private final StringBuilder header = new StringBuilder();
    /** How much of that the prompt has. */
    private int given;
    /** Whether the role is still to come: the model begins a message of its own. */
    private boolean roleIsOpen;
    private boolean hasThought;
    private boolean hasAnswered;

    private enum State {
        /** Before a message's text. */
        HEADER,
        /** In the text of a message that is thinking, or the answer. */
        THINKING, ANSWER
    }

    /**
     * Creates a separator.
     *
     * @param prompt what the answer follows: the message that it begins
     */
    HarmonyText(HarmonyTokens tokens, int[] prompt, TextTokenizer tokenizer) {
        this.tokens = tokens;
        this.state = State.HEADER;
        int from = prompt.length;
        while (from > 0 && prompt[from - 1] != tokens.start()) {
            from--;
        }
        StreamingTextDecoder decoder = tokenizer.newDecoder(false);
        roleIsOpen = true;
        for (int at = from; from > 0 && at < prompt.length; at++) {
            next(prompt[at], decoder.next(prompt[at]));
        }
        given = header.length();
        roleIsOpen = false;
        hasThought = false;
        hasAnswered = false;
    }

    @Override
    public boolean isThinking() {
        return state == State.THINKING;
    }

    @Override
    public boolean mayThink() {
        return state == State.HEADER && !header.toString().contains("<") && !RECIPIENT.matcher(header).find();
    }

    @Override
    public Parts next(int token, String piece) {
        Optional<String> mark = tokens.text(token);
        if (mark.isEmpty()) {
            return text(piece);
        }
        if (token == tokens.message()) {
            return begin();
        }
        if (token == tokens.end() || token == tokens.start() || state != State.HEADER) {
            state = State.HEADER; // a channel without an end before it begins a message, too
            clear();
            roleIsOpen = token == tokens.start();
        }
        if (token != tokens.end() && token != tokens.start()) {
            header.append(mark.get());
        }
        return new Parts("", "");
    }

    /** Begins the text of a message. */
    private Parts begin() {
        Matcher recipient = RECIPIENT.matcher(header);
        Matcher channelName = CHANNEL.matcher(header);
        String channel = channelName.find() ? channelName.group(1) : "";
        String to = recipient.find() ? recipient.group(1) : "";
        clear();
        if (channel.equals("analysis") && !to.startsWith("functions.")) {
            state = State.THINKING;
            String separator = hasThought ? "\n\n" : "";
            hasThought = true;
            return new Parts(separator, "");
        }
        state = State.ANSWER;
        String separator = hasAnswered ? "\n\n" : "";
        hasAnswered = true;
        return new Parts("", separator + (to.isEmpty() ? "" : "<|channel|>commentary to=" + to + "<|message|>"));
    }

    private Parts text(String piece) {
        return switch (state) {
            case THINKING -> new Parts(piece, "");
            case ANSWER -> new Parts("", piece);
            case HEADER -> {
                header.append(piece);
                yield isHeader() ? new Parts("", "") : plain();
            }
        };
    }

    /** Whether what has come can be the beginning of a message. */
    private boolean isHeader() {
        String written = header.substring(given).strip();
        return roleIsOpen || header.indexOf("<|") >= 0 || TO.startsWith(written) || written.startsWith(TO);
    }

    private Parts plain() {
        String text = header.substring(given);
        clear();
        state = State.ANSWER;
        hasAnswered = true;
        return new Parts("", text);
    }

    private void clear() {
        header.setLength(0);
        given = 0;
        roleIsOpen = false;
    }

    @Override
    public Parts finish() {
        // A beginning of a message that is cut short says nothing.
        return state != State.HEADER || roleIsOpen || header.indexOf("<|") >= 0 ? new Parts("", "") : plain();
    }
}
