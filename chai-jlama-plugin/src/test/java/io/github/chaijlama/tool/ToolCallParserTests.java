// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tool;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class ToolCallParserTests {
    private static final Set<String> TOOLS = Set.of("add", "time", "get_weather");

    /** Everything that a parser tells, and whether it adds up. */
    private static final class Recorder implements ToolCallListener {
        private final StringBuilder text = new StringBuilder();
        private final List<StringBuilder> arguments = new ArrayList<>();
        private final List<String> ids = new ArrayList<>();
        private final List<ToolCall> calls = new ArrayList<>();
        private int parts;

        @Override
        public void onText(String piece) {
            assertThat(piece).isNotEmpty();
            text.append(piece);
        }

        @Override
        public void onArguments(int index, String id, String name, String part) {
            assertThat(part).isNotBlank();
            if (index == arguments.size()) {
                arguments.add(new StringBuilder());
                ids.add(id);
            }
            assertThat(index).isEqualTo(arguments.size() - 1).isEqualTo(calls.size());
            assertThat(id).isEqualTo(ids.get(index));
            arguments.get(index).append(part);
            parts++;
        }

        @Override
        public void onCall(int index, ToolCall call) {
            assertThat(index).isEqualTo(calls.size());
            assertThat(call.id()).isEqualTo(ids.get(index)).matches("[A-Za-z0-9]{9}");
            assertThat(arguments.get(index)).hasToString(call.arguments());
            calls.add(call);
        }

        List<String> spelledCalls() {
            return calls.stream().map(call -> call.name() + call.arguments()).toList();
        }
    }

    private static Recorder parse(boolean expectCall, List<String> pieces) {
        Recorder recorder = new Recorder();
        ToolCallParser parser = new ToolCallParser(TOOLS, recorder);
        if (expectCall) {
            parser.expectCall();
        }
        pieces.forEach(parser::next);
        parser.finish();
        assertThat(parser.text()).hasToString(recorder.text.toString());
        assertThat(parser.calls()).isEqualTo(recorder.calls);
        assertThat(recorder.ids).doesNotHaveDuplicates();
        return recorder;
    }

    private static List<String> characters(String text) {
        return text.codePoints().mapToObj(Character::toString).toList();
    }

    private static List<String> cut(String text, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<String> pieces = new ArrayList<>();
        int from = 0;
        while (from < text.length()) {
            int to = Math.min(text.length(), from + 1 + random.nextInt(8));
            pieces.add(text.substring(from, to));
            from = to;
        }
        return pieces;
    }

    static Stream<Arguments> answers() {
        String add = "add{\"a\": 1, \"b\": -2.5e3}";
        return Stream.of(
                Arguments.of("{\"name\": \"add\", \"parameters\": {\"a\": 1, \"b\": -2.5e3}}", "", List.of(add)),
                Arguments.of("\n {\"name\":\"add\",\"arguments\":{\"a\": 1, \"b\": -2.5e3}}\n", "", List.of(add)),
                Arguments.of("<|python_tag|>{\"type\": \"function\", \"name\": \"add\", \"parameters\": "
                        + "{\"a\": 1, \"b\": -2.5e3}}", "", List.of(add)),
                Arguments.of("{\"name\": \"time\", \"parameters\": {}}", "", List.of("time{}")),
                Arguments.of("{\"name\": \"time\", \"parameters\": null}", "", List.of("time{}")),
                Arguments.of("{\"parameters\": {\"a\": \"}]\\\"{\"}, \"name\": \"add\"}", "",
                        List.of("add{\"a\": \"}]\\\"{\"}")),
                Arguments.of("I shall see. {\"name\": \"time\", \"parameters\": { }}", "I shall see.",
                        List.of("time{ }")),
                Arguments.of(
                        "{\"name\": \"time\", \"parameters\": {}}{\"name\": \"add\", \"parameters\": {\"a\": []}};\n"
                                + "{\"name\": \"time\", \"parameters\": {}}",
                        "",
                        List.of("time{}", "add{\"a\": []}", "time{}")),
                Arguments.of("[{\"name\": \"time\", \"arguments\": {}}, {\"name\": \"time\", \"arguments\": {}}]", "",
                        List.of("time{}", "time{}")),
                Arguments.of("<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": -2.5e3}}\n</tool_call>",
                        "", List.of(add)),
                Arguments.of("Let me look.\n<tool_call>\n{\"name\": \"unknown\", \"arguments\": {\"é😀\": [{}]}}\n"
                        + "</tool_call>\n<tool_call>\n{\"name\": \"time\"}\n</tool_call>\n", "Let me look.",
                        List.of("unknown{\"é😀\": [{}]}", "time{}")),
                Arguments.of("<tool_call>{\"name\": \"time\", \"arguments\": {}}", "", List.of("time{}")),
                Arguments.of("<|tool_call>call:add{a:1,b:-2.5e3}<tool_call|>", "",
                        List.of("add{\"a\":1,\"b\":-2.5e3}")),
                Arguments.of(
                        "I see. <|tool_call>call:get_weather{city:<|\"|>K\u00F6ln \"am\"\nRhein, {a:1} <b> |<|\"|>,"
                                + "days:[1,2],exact:true,place:{x:null,y:[]},unit:<|\"|><|\"|>}<tool_call|>"
                                + "<|tool_call>call:time{}"
                                + "<tool_call|>",
                        "I see.", List.of("get_weather{\"city\":\"K\u00F6ln \\\"am\\\"\\nRhein, {a:1} "
                                + "<b> |\",\"days\":[1,2],\"exact\":true,\"place\":{\"x\":null,\"y\":[]},"
                                + "\"unit\":\"\"}", "time{}")),
                Arguments.of(
                        "<|tool_call>call:add{\"a\": \"}\\\"<|\", b : Bonn am Rhein, "
                                + "<|\"|>c d<|\"|>: 01}<tool_call|>",
                        "", List.of("add{\"a\": \"}\\\"<|\", \"b\": \"Bonn am Rhein\", \"c d\": \"01\"}")),
                Arguments.of("<|tool_call>call:add{a:1]<tool_call|>", "<|tool_call>call:add{a:1]<tool_call|>",
                        List.of()),
                Arguments.of("<|tool_call>call:add{a:}", "<|tool_call>call:add{a:}", List.of()),
                Arguments.of("<|tool_call>call:add{a:<|\"|>x", "<|tool_call>call:add{a:<|\"|>x", List.of()),
                Arguments.of("<|tool_call>say hello", "<|tool_call>say hello", List.of()),
                Arguments.of("[TOOL_CALLS] [{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": -2.5e3}, "
                        + "\"id\": \"abc123def\"}, {\"name\": \"time\", \"arguments\": {}}]", "",
                        List.of(add, "time{}")),
                Arguments.of("Well [TOOL_CALLS]{\"name\": \"time\", \"arguments\": {}} so", "Well so",
                        List.of("time{}")),
                Arguments.of("<tool_call>{\"name\": \"add\", \"arguments\": \"{\\\"a\\\": 1}\"}</tool_call>", "",
                        List.of("add{\"a\": 1}")));
    }

    /** Lists of Granite and Phi, names before arguments of Mistral and gpt-oss. */
    static Stream<Arguments> answersOfMoreFamilies() {
        String add = "add{\"a\": [1, \"}\"]}";
        String addObject = "{\"name\": \"add\", \"arguments\": {\"a\": [1, \"}\"]}}";
        String harmony = "<|channel|>commentary to=";
        return Stream.of(
                Arguments.of("<|tool_call|>[" + addObject + ", {\"name\": \"time\", \"arguments\": {}}]", "",
                        List.of(add, "time{}")),
                Arguments.of("<|tool_call|>[" + addObject + "]<|/tool_call|>", "", List.of(add)),
                Arguments.of("Well. <|tool_call|> " + addObject + " <|/tool_call|> So.", "Well. So.", List.of(add)),
                Arguments.of("<tool_call>[" + addObject + "]\n", "", List.of(add)),
                Arguments.of("<tool_call>\n[" + addObject + "]\n</tool_call>\nSo.", "So.", List.of(add)),
                Arguments.of("[TOOL_CALLS]add[ARGS]{\"a\": [1, \"}\"]}", "", List.of(add)),
                Arguments.of("I see. [TOOL_CALLS]unknown.one[ARGS] {}[TOOL_CALLS]add[CALL_ID]abc123def[ARGS]"
                        + "{\"a\": [1, \"}\"]}", "I see.", List.of("unknown.one{}", add)),
                Arguments.of("[TOOL_CALLS]add{\"a\": [1, \"}\"]}\n", "", List.of(add)),
                Arguments.of(harmony + "functions.add <|constrain|>json<|message|>{\"a\": [1, \"}\"]}", "",
                        List.of(add)),
                Arguments.of("I see.\n\n" + harmony + "functions.get_weather<|message|>{ }", "I see.",
                        List.of("get_weather{ }")),
                Arguments.of(
                        harmony + "functions.time json<|message|>{}" + harmony + "add<|message|>{\"a\": [1, \"}\"]}",
                        "", List.of("time{}", add)));
    }

    @ParameterizedTest
    @MethodSource({ "answers", "answersOfMoreFamilies" })
    void callsAreFoundHoweverTheAnswerComes(String answer, String text, List<String> calls) {
        List<List<String>> ways = new ArrayList<>(List.of(List.of(answer), characters(answer)));
        for (long seed = 0; seed < 20; seed++) {
            ways.add(cut(answer, seed));
        }
        for (List<String> pieces : ways) {
            Recorder recorder = parse(false, pieces);
            assertThat(recorder.spelledCalls()).as("%s", pieces).isEqualTo(calls);
            assertThat(recorder.text).as("%s", pieces).hasToString(text);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "", " ", "Hello!", " a {b} [c] <d> \n", "{\"name\": \"Klaus\", \"arguments\": {}}",
            "{\"name\": \"time\"}", "{\"city\": \"Berlin\"}", "{}", "[]", "{", "<", "[TOOL", "<tool_call>",
            "[TOOL_CALLS] 3",
            "<tool_call>{\"arguments\": {}}</tool_call>", "[1, {\"name\": 5}]", "a [ {",
            "{\"name\": \"add\", \"x\": 1}",
            "{\"name\": \"add\", \"parameters\": {\"a\": 1", "x <tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\"",
            "{\"name\" \"add\", \"parameters\": {}}", "{\"name\": \"add\", \"parameters\": {}]", "{{{{[[[[<<<<",
            "{\"name\": \"add\" , \"parameters\": }", "<|python_tag|>print(1)\n", "[TOOL_CALLS]add[ARGS]",
            "[TOOL_CALLS]add[ARGS]{\"a\": 1", "[TOOL_CALLS]add and so on", "[TOOL_CALLS]add[ARGS]x {}",
            "<tool_call>add {}",
            "<|channel|>commentary to=functions.add", "<|channel|>commentary to=functions.add {}",
            "<|channel|>commentary to=python<|message|>print({})", "<|channel|>final", "<|tool_call|>[",
            "<|tool_call|>[3]",
            "<|/tool_call|>" })
    void allElseIsText(String answer) {
        for (List<String> pieces : List.of(List.of(answer), characters(answer), cut(answer, 3))) {
            Recorder recorder = parse(false, pieces);
            assertThat(recorder.calls).isEmpty();
            assertThat(recorder.text).hasToString(answer);
        }
    }

    @Test
    void argumentsComeWhileTheyAreWritten() {
        List<String> pieces = new ArrayList<>();
        Recorder recorder = new Recorder();
        ToolCallParser parser = new ToolCallParser(TOOLS, recorder);
        for (String piece : List.of("{\"name\": \"add\", \"parameters\": {", "\"a\"", ": ", "1", "}", "}")) {
            parser.next(piece);
            pieces.add(recorder.arguments.isEmpty() ? "" : recorder.arguments.getFirst().toString());
        }
        assertThat(pieces).containsExactly("", "{\"a\"", "{\"a\": ", "{\"a\": 1", "{\"a\": 1}", "{\"a\": 1}");
        assertThat(recorder.parts).isEqualTo(4);
    }

    @Test
    void argumentsBehindANameComeWhileTheyAreWritten() {
        List<String> pieces = new ArrayList<>();
        Recorder recorder = new Recorder();
        ToolCallParser parser = new ToolCallParser(TOOLS, recorder);
        for (String piece : List.of("[TOOL_CALLS]", "add", "[ARGS]", "{", "\"a\"", ": 1", "}")) {
            parser.next(piece);
            pieces.add(recorder.arguments.isEmpty() ? "" : recorder.arguments.getFirst().toString());
        }
        assertThat(pieces).containsExactly("", "", "", "", "{\"a\"", "{\"a\": 1", "{\"a\": 1}");
        assertThat(recorder.text).isEmpty();
    }

    @Test
    void anOpeningThatIsPartOfThePromptIsNotNeeded() {
        for (String rest : List.of("{\"name\": \"other\", \"arguments\": {\"x\": 1}}",
                "{\"name\": \"other\", \"arguments\": {\"x\": 1}}\n</tool_call>",
                "{\"name\": \"other\", \"arguments\": {\"x\": 1}}]", "other[ARGS]{\"x\": 1}", " other {\"x\": 1}",
                "{\"name\": \"other\", \"arguments\": {\"x\": 1}}]<|/tool_call|>")) {
            Recorder recorder = parse(true, characters(rest));
            assertThat(recorder.spelledCalls()).containsExactly("other{\"x\": 1}");
        }
    }

    @Test
    void textBesideCallsIsKept() {
        Recorder recorder = parse(false, characters("First.\n<tool_call>{\"name\": \"time\"}</tool_call>\n Then.\n"));
        assertThat(recorder.text).hasToString("First.\n Then.");
        assertThat(recorder.spelledCalls()).containsExactly("time{}");
        assertThat(parse(false, List.of("<tool_call>{\"name\": \"time\"}</tool_call>\n So.")).text).hasToString("So.");
    }
}
