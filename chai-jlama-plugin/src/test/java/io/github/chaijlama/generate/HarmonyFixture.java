// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.TestModels;

/** Pocket with the control tokens and a template of gpt-oss. */
final class HarmonyFixture {
    static final String TEMPLATE = "{% for m in messages %}"
            + "{% for c in m.tool_calls or [] %}{{ '<|start|>assistant to=functions.' + c.function.name"
            + " + '<|channel|>commentary json<|message|>' ~ c.function.arguments | tojson ~ '<|call|>' }}{% endfor %}"
            + "{{ '<|start|>' + m.role + '<|message|>' + m.content + '<|end|>' }}{% endfor %}"
            + "{% if tools %}{{ tools | tojson }}{% endif %}"
            + "{% if add_generation_prompt %}<|start|>assistant{% endif %}";
    private static final List<String> MARKS = List.of("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>",
            "<|call|>", "<|return|>");
    /** Ids of the rarest tokens of the vocabulary. */
    private static final int FIRST = 1010;
    private static final Pattern MARK = Pattern.compile("<\\|\\w+\\|>");

    private HarmonyFixture() {}

    /** Writes the model; its end tokens are those of gpt-oss, of which the configuration names one. */
    static void write(Path directory) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        Files.copy(TestModels.POCKET.resolve("model.safetensors"), directory.resolve("model.safetensors"));
        ObjectNode config = (ObjectNode) mapper.readTree(TestModels.POCKET.resolve("config.json").toFile());
        config.put("eos_token_id", FIRST + MARKS.indexOf("<|return|>"));
        Files.writeString(directory.resolve("config.json"), config.toString());
        String tokenizerConfig = mapper.createObjectNode().put("eos_token", "<|return|>")
                .put("chat_template", TEMPLATE).toString();
        TokenizerFixtures.writePocket(directory, tokenizerConfig, root -> MARKS
                .forEach(mark -> TokenizerFixtures.makeControlToken(root, FIRST + MARKS.indexOf(mark), mark)));
    }

    /** Returns the tokens of what a model writes, marks as such. */
    static int[] tokens(TextTokenizer tokenizer, String text) {
        List<Integer> tokens = new ArrayList<>();
        Matcher matcher = MARK.matcher(text);
        int from = 0;
        while (matcher.find()) {
            tokens.addAll(tokenizer.encodeInside(text.substring(from, matcher.start())));
            tokens.add(matcher.group().equals("<|end|>") ? 1 : FIRST + MARKS.indexOf(matcher.group()));
            from = matcher.end();
        }
        tokens.addAll(tokenizer.encodeInside(text.substring(from)));
        return tokens.stream().mapToInt(Integer::intValue).toArray();
    }
}
