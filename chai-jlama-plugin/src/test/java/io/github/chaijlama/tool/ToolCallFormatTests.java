// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.tool;

import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import static org.assertj.core.api.Assertions.assertThat;

class ToolCallFormatTests {

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = { "JSON; x; ''", "HERMES; x <tool_call> y; ''",
            "MISTRAL; {{ \"[TOOL_CALLS] [\" }}; ''", "MISTRAL_NEMO; '[TOOL_CALLS][' + x; ''",
            "MISTRAL_ARGS; '[TOOL_CALLS]' + name + '[ARGS]'; [ARGS]", "LIST; answer with <|tool_call|> and a list; ''",
            "LIST; '<|tool|>' + tools + '<|/tool|>'; <|tool_call|>",
            "CLOSED_LIST; '<|tool|>' + tools + '<|/tool|>'; <|tool_call|> <|/tool_call|>",
            "HARMONY; ' to=functions.' + name + '<|channel|>commentary'; <|channel|>", "JSON; <|channel|>final; ''",
            "GEMMA; '<|tool_call>call:' + name + '{'; ''" })
    void formatsAreToldByTheChatTemplateOrTheTokenizer(ToolCallFormat format, String template, String token) {
        assertThat(ToolCallFormat.of(template, Set.of(token.split(" "))::contains)).isEqualTo(format);
    }

    /** What a model is held to when a call must come is found again. */
    @ParameterizedTest
    @EnumSource(ToolCallFormat.class)
    void whatIsBegunIsFound(ToolCallFormat format) {
        String call = format.isObject() ? "{\"name\": \"add\", \"" + format.argumentsKey() + "\": {\"a\": 1}}"
                : "{\"a\": 1}";
        ToolCallParser parser = new ToolCallParser(Set.of("add"), ToolCallListener.NONE);
        parser.next(format.opening() + format.beforeArguments("add") + call);
        parser.finish();
        assertThat(parser.text()).isEmpty();
        assertThat(parser.calls()).extracting(ToolCall::name, ToolCall::arguments)
                .isEqualTo(List.of(org.assertj.core.groups.Tuple.tuple("add", "{\"a\": 1}")));
    }
}
