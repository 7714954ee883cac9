// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tool;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.jspecify.annotations.Nullable;

/**
 * Finds calls of tools in an answer that comes piece by piece. Understood are
 * <ul>
 * <li>{@code {"name": "add", "parameters": {..}}} (Llama 3.x), with or without {@code <|python_tag|>} before it,
 * {@code arguments} for {@code parameters}, several one after another or in a list;
 * <li>{@code <tool_call>{"name": "add", "arguments": {..}}</tool_call>} (Hermes, Qwen, SmolLM3, Granite 4);
 * <li>{@code <|tool_call|>[{"name": "add", "arguments": {..}}, ..]} (Granite 3), and {@code <|/tool_call|>} behind it
 * (Phi);
 * <li>{@code [TOOL_CALLS] [{"name": "add", "arguments": {..}}, ..]} (Mistral);
 * <li>{@code [TOOL_CALLS]add[ARGS]{..}} (Mistral Small 3.2, Ministral 3);
 * <li><code>&lt;|tool_call&gt;call:add{..}&lt;tool_call|&gt;</code> (Gemma 4), whose arguments become JSON;
 * <li>{@code <|channel|>commentary to=functions.add <|constrain|>json<|message|>{..}} (gpt-oss).
 * </ul> After a marker any object with a name is a call, or a name and an object; without one an object must name a
 * tool that was offered and have arguments. All else is text. Whitespace between text and a call belongs to neither. A
 * call that is cut short is text. One instance per answer, not thread-safe.
 */
public final class ToolCallParser {
    private static final List<String> CLOSINGS = List.of("</tool_call>", "<|/tool_call|>", "<tool_call|>");
    private static final String ID_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    /** Mistral's templates accept no other length. */
    private static final int ID_LENGTH = 9;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private enum State {
        TEXT, CALL, AFTER_CALL, AFTER_LIST
    }

    private final Set<String> tools;
    private final ToolCallListener listener;
    private final StringBuilder text = new StringBuilder();
    private final List<ToolCall> calls = new ArrayList<>();
    /** What has come and is neither text nor a call yet. */
    private final StringBuilder held = new StringBuilder();
    private State state = State.TEXT;
    /** Whitespace after the text: part of it if more text follows. */
    private String space = "";
    /** What has been taken for the beginning of a call, and is text if none follows. */
    private String opening = "";
    private boolean marked;
    /** How a call is written here whose name stands before its arguments, if there may be one. */
    private NamedCall.@Nullable Form named;
    private boolean inList;
    /** Id of the call in the making, empty as long as nobody has asked for it. */
    private String id = "";
    /** How much of its arguments the listener has heard. */
    private int heard;

    /**
     * Creates a parser.
     *
     * @param tools names of the tools that were offered
     */
    public ToolCallParser(Set<String> tools, ToolCallListener listener) {
        this.tools = Set.copyOf(tools);
        this.listener = listener;
    }

    /** Says that the answer is a call whose opening ({@link ToolCallFormat#opening}) is not part of what comes. */
    public void expectCall() {
        begin("", true, NamedCall.Form.MISTRAL);
    }

    /** Takes the next piece of the answer. */
    public void next(String piece) {
        held.append(piece);
        while (advance(false)) {
            // until the next piece is needed
        }
    }

    /** Says that the answer has ended. */
    public void finish() {
        while (advance(true)) {
            // until nothing is held
        }
        if (calls.isEmpty() && !space.isEmpty()) {
            emit(space);
        }
        space = "";
    }

    /** Returns the text beside the calls so far. */
    public String text() {
        return text.toString();
    }

    /** Returns the calls so far. */
    public List<ToolCall> calls() {
        return List.copyOf(calls);
    }

    /** Returns whether there is more to do with what has come. */
    private boolean advance(boolean end) {
        if (held.isEmpty() && opening.isEmpty()) {
            return false;
        }
        return switch (state) {
            case TEXT -> advanceText(end);
            case CALL -> advanceCall(end);
            case AFTER_CALL -> advanceAfterCall(end);
            case AFTER_LIST -> advanceAfterList(end);
        };
    }

    private boolean advanceText(boolean end) {
        int at = 0;
        while (at < held.length() && "{[<".indexOf(held.charAt(at)) < 0) {
            at++;
        }
        text(take(at));
        if (held.isEmpty()) {
            return false;
        }
        for (String marker : ToolCallFormat.MARKERS) {
            if (startsWith(marker, 0)) {
                begin(take(marker.length()), true, ToolCallFormat.named(marker));
                return true;
            }
            if (!end && marker.startsWith(held.toString())) {
                return false;
            }
        }
        if (held.charAt(0) == '{') {
            begin("", false, null);
        } else {
            boolean list = held.charAt(0) == '[';
            String first = take(1);
            if (list) {
                begin(first, false, null);
                inList = true;
            } else {
                text(first);
            }
        }
        return true;
    }

    private void begin(String newOpening, boolean newMarked, NamedCall.@Nullable Form newNamed) {
        state = State.CALL;
        opening = newOpening;
        marked = newMarked;
        named = newNamed;
        inList = false;
    }

    private boolean advanceCall(boolean end) {
        int at = spaceFrom(0);
        if (at == held.length()) {
            return end && isText();
        }
        if (marked && !inList && held.charAt(at) == '[') {
            opening += take(at + 1);
            inList = true;
            return true;
        }
        if (held.charAt(at) == '{') {
            String object = held.substring(at);
            return advanceObject(CallScan.of(object, marked, tools), at, object, end);
        }
        if (named == null || inList) {
            return isText();
        }
        Optional<NamedCall> call = NamedCall.of(held, named);
        if (call.isEmpty()) {
            return (end || !NamedCall.mayFollow(held, named)) && isText();
        }
        String object = held.substring(call.get().length());
        if (named == NamedCall.Form.GEMMA) {
            return advanceGemma(call.get(), GemmaArguments.of(object), end);
        }
        return advanceObject(CallScan.ofArguments(call.get().name(), object), call.get().length(), object, end);
    }

    private boolean advanceGemma(NamedCall call, GemmaArguments arguments, boolean end) {
        if (arguments.end() >= 0 && !arguments.isJson()) {
            return isTextFrom(call.length() + arguments.end());
        }
        if (arguments.end() >= 0) {
            take(call.length() + arguments.end());
            complete(call.name(), arguments.json());
            return true;
        }
        if (end) {
            return isTextFrom(held.length());
        }
        hear(call.name(), arguments.json(), false);
        return false;
    }

    /**
     * Goes on with what is known of an object.
     *
     * @param at where the object begins in what is held
     */
    private boolean advanceObject(CallScan scan, int at, String object, boolean end) {
        return switch (scan.state()) {
            case NO_CALL -> isTextFrom(at + 1);
            case INCOMPLETE -> {
                if (end) {
                    yield isTextFrom(held.length());
                }
                if (scan.hasName() && scan.argumentsStart() >= 0 && object.charAt(scan.argumentsStart()) == '{') {
                    hear(scan.name(), object.substring(scan.argumentsStart(), scan.argumentsEnd()), false);
                }
                yield false;
            }
            case COMPLETE -> {
                take(at + scan.end());
                complete(scan.name(), arguments(object, scan));
                yield true;
            }
        };
    }

    private boolean isTextFrom(int length) {
        opening += take(length);
        return isText();
    }

    /** What was taken for the beginning of a call is text. */
    private boolean isText() {
        state = State.TEXT;
        String notACall = opening;
        opening = "";
        id = "";
        heard = 0;
        text(notACall);
        return true;
    }

    private static String arguments(String object, CallScan scan) {
        if (scan.argumentsStart() < 0) {
            return "{}";
        }
        String arguments = object.substring(scan.argumentsStart(), scan.argumentsEnd());
        if (arguments.charAt(0) == '"') { // some models write the object as a string
            try {
                return MAPPER.readValue(arguments, String.class);
            } catch (JsonProcessingException e) {
                return arguments;
            }
        }
        return arguments.equals("null") ? "{}" : arguments;
    }

    private void complete(String name, String arguments) {
        hear(name, arguments, true);
        ToolCall call = new ToolCall(id(), name, arguments);
        calls.add(call);
        listener.onCall(calls.size() - 1, call);
        id = "";
        heard = 0;
        space = "";
        opening = "";
        state = State.AFTER_CALL;
    }

    /**
     * Tells the listener of arguments that are certain, except of a brace that may become {@code {}} and of mere
     * whitespace.
     */
    private void hear(String name, String arguments, boolean complete) {
        String part = arguments.substring(heard);
        if (!part.isBlank() && (complete || !arguments.substring(1).isBlank())) {
            listener.onArguments(calls.size(), id(), name, part);
            heard = arguments.length();
        }
    }

    private String id() {
        if (id.isEmpty()) {
            StringBuilder made = new StringBuilder();
            for (int i = 0; i < ID_LENGTH; i++) {
                made.append(ID_CHARACTERS.charAt(ThreadLocalRandom.current().nextInt(ID_CHARACTERS.length())));
            }
            id = made.toString();
        }
        return id;
    }

    private boolean advanceAfterCall(boolean end) {
        int at = spaceFrom(0);
        if (at == held.length()) {
            return false;
        }
        if (marked && takeClosing(at)) {
            state = State.TEXT;
            return true;
        }
        if (marked && !end && mayBeClosing(at)) {
            return false;
        }
        char next = held.charAt(at);
        if (inList && next == ']') {
            take(at + 1);
            state = marked ? State.AFTER_LIST : State.TEXT;
            return true;
        }
        if (next == ',' || next == ';') {
            int after = spaceFrom(at + 1);
            if (after == held.length() && !end) {
                return false;
            }
            if (after < held.length() && held.charAt(after) == '{') {
                take(after);
                state = State.CALL;
                return true;
            }
        }
        state = next == '{' ? State.CALL : State.TEXT;
        return true;
    }

    private boolean advanceAfterList(boolean end) {
        int at = spaceFrom(0);
        if (!end && (at == held.length() || mayBeClosing(at))) {
            return false;
        }
        takeClosing(at);
        state = State.TEXT;
        return true;
    }

    private boolean takeClosing(int at) {
        for (String closing : CLOSINGS) {
            if (startsWith(closing, at)) {
                take(at + closing.length());
                return true;
            }
        }
        return false;
    }

    private boolean mayBeClosing(int at) {
        String rest = held.substring(at);
        return CLOSINGS.stream().anyMatch(closing -> closing.length() > rest.length() && closing.startsWith(rest));
    }

    private boolean startsWith(String part, int at) {
        return held.length() >= at + part.length() && held.substring(at, at + part.length()).equals(part);
    }

    private int spaceFrom(int from) {
        int at = from;
        while (at < held.length() && Character.isWhitespace(held.charAt(at))) {
            at++;
        }
        return at;
    }

    private String take(int length) {
        String taken = held.substring(0, length);
        held.delete(0, length);
        return taken;
    }

    private void text(String piece) {
        String all = space + piece;
        String certain = all.stripTrailing();
        space = all.substring(certain.length());
        emit(certain);
    }

    private void emit(String piece) {
        String shown = text.isEmpty() && !calls.isEmpty() ? piece.stripLeading() : piece;
        if (!shown.isEmpty()) {
            text.append(shown);
            listener.onText(shown);
        }
    }
}
