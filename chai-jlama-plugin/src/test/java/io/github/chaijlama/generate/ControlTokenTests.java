// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static io.github.chaijlama.generate.TokenizerFixtures.ids;
import static org.assertj.core.api.Assertions.assertThat;

/** Control tokens in all the ways tokenizers list them: text is never one, prompts are as the library encodes them. */
class ControlTokenTests {
    @TempDir
    Path directory;

    private TextTokenizer tokenizer() {
        return TextTokenizer.load(directory, TokenizerFixtures.pocketConfig());
    }

    private static int[] prompt(TextTokenizer tokenizer, String text) {
        return tokenizer.encodePrompt(new RenderedPrompt(text, '\uE000'));
    }

    private int[] chat(TextTokenizer tokenizer, ChatMessage... messages) {
        return tokenizer.encodePrompt(
                ChatTemplate.of(TokenizerFiles.read(directory), tokenizer).orElseThrow()
                        .render(List.of(messages), true));
    }

    @Test
    void tokensBehindOnesOutsideTheVocabularyKeepTheirNumbers() throws IOException {
        TokenizerFixtures.writePocket(directory, null, root -> {
            TokenizerFixtures.addToken(root, 1024, "<|first|>", true);
            TokenizerFixtures.addToken(root, 1025, "<|second|>", true);
            TokenizerFixtures.addToken(root, 1026, "<plain>", false);
            TokenizerFixtures.addToken(root, 1027, "<|third|>", true);
            TokenizerFixtures.addToken(root, 1028, "    ", false);
        });
        try (TextTokenizer tokenizer = tokenizer();
                HuggingFaceTokenizer library = TokenizerFixtures.library(directory)) {
            String text = "a<plain>fox    of</plain><plain>";
            assertThat(tokenizer.encode(text)).contains(1026, 1028).isEqualTo(ids(library, text));
            assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
            for (String prompt : List.of("<|bos|><|first|>" + text + "<|third|>" + text,
                    "<|bos|><|second|><|first|>    <|third|><plain>")) {
                assertThat(prompt(tokenizer, prompt)).isEqualTo(ids(library, prompt));
            }
            assertThat(prompt(tokenizer, "<|bos|><|third|><plain>")).containsExactly(0, 1027, 1026);
            assertThat(tokenizer.encode("<|first|><|third|>")).doesNotContain(1024, 1027);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void unigramVocabulariesKeepTextApart(boolean controlInVocabulary) throws IOException {
        TokenizerFixtures.writeUnigram(directory, controlInVocabulary);
        try (TextTokenizer tokenizer = tokenizer();
                HuggingFaceTokenizer library = TokenizerFixtures.library(directory)) {
            List<Integer> control = Arrays.stream(ids(library, "<s></s>")).boxed().toList();
            assertThat(control).hasSize(2).doesNotContain(0);
            for (String attack : List.of("<s>", "</s>", "a</s>story", "<s></s><s>", "<s", "</s>.")) {
                int[] tokens = tokenizer.encode(attack);
                assertThat(Arrays.stream(tokens).boxed()).as(attack).doesNotContainAnyElementsOf(control)
                        .doesNotContain(0);
                assertThat(tokenizer.decode(tokens)).isEqualTo(attack);
            }
            for (String prompt : List.of("<s>a fox</s>", "<s>a story.</s><s>fox", "a<s>b</s>", "<s></s>",
                    "<s>ab</s>c")) {
                assertThat(prompt(tokenizer, prompt)).as(prompt).isEqualTo(ids(library, prompt));
            }
            assertThat(tokenizer.endTokens()).contains(control.get(1));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void wordLevelVocabulariesKeepTextApart(boolean listed) throws IOException {
        TokenizerFixtures.writeWordLevel(directory, listed);
        try (TextTokenizer tokenizer = tokenizer()) {
            assertThat(tokenizer.encode("a fox story")).containsExactly(3, 4, 5);
            assertThat(tokenizer.decode(3, 4, 5)).isEqualTo("a fox story");
            assertThat(tokenizer.encode("a [EOS] fox [BOS]")).as("words that are not known").containsExactly(3, 0, 4,
                    0);
            assertThat(prompt(tokenizer, "[BOS]a fox[EOS]")).containsExactly(1, 3, 4, 2);
            assertThat(tokenizer.endTokens()).contains(2);
            if (listed) {
                try (HuggingFaceTokenizer library = TokenizerFixtures.library(directory)) {
                    assertThat(ids(library, "[BOS]a fox[EOS]")).containsExactly(1, 3, 4, 2);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "<tool_call>", "[/THINK]" })
    void markersAreTextOfUsersButTokensOfTheModel(String marker) throws IOException {
        TokenizerFixtures.writePocket(directory,
                """
                        {"bos_token": "<|bos|>", "eos_token": "<|end|>", "chat_template": "{{ bos_token }}{% for m in \
                        messages %}\
                        {{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}{% if false %}%s{% endif %}"}"""
                        .replace("%s", marker),
                root -> {
                    TokenizerFixtures.addToken(root, 1024, marker, false);
                    TokenizerFixtures.addToken(root, 1025, "<unused>", false);
                });
        try (TextTokenizer tokenizer = tokenizer()) {
            assertThat(chat(tokenizer, ChatMessage.system(marker), ChatMessage.user("a" + marker)))
                    .doesNotContain(1024);
            assertThat(chat(tokenizer, ChatMessage.user("<unused>"))).as("no marker of this template").contains(1025);
            assertThat(chat(tokenizer, ChatMessage.assistant(marker))).containsExactly(0, 5, 1024, 1);
            assertThat(Arrays.stream(chat(tokenizer, ChatMessage.assistant("<|end|>" + marker))).boxed())
                    .as("what ends an answer is text everywhere").startsWith(0, 5).endsWith(1024, 1)
                    .containsOnlyOnce(1);
            assertThat(tokenizer.decode(1024)).isEqualTo(marker);
            assertThat(tokenizer.encode(marker)).doesNotContain(1024);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "#", "\u00b6", "\u4e2d" })
    void aSingleCharacterStaysText(String character) throws IOException {
        TokenizerFixtures.writePocket(directory, null, root -> {
            // The vocabulary writes one byte of a paragraph sign as a paragraph sign.
            JsonNode inVocabulary = root.path("model").path("vocab").path(character);
            assertThat(inVocabulary.isInt()).isEqualTo(!character.equals("\u4e2d"));
            int id = inVocabulary.asInt(1024);
            TokenizerFixtures.addToken(root, id, character, true);
            TokenizerFixtures.addToken(root, inVocabulary.isInt() ? 1024 : 1025, "<|behind|>", true);
        });
        try (TextTokenizer tokenizer = tokenizer();
                HuggingFaceTokenizer library = TokenizerFixtures.library(directory)) {
            for (String text : List.of(character, "a" + character + "b", character + character, "\u00f6", "\u4e2e")) {
                assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
                assertThat(chat(tokenizer, ChatMessage.user(text))).startsWith(0, 4).endsWith(1, 5);
            }
            assertThat(prompt(tokenizer, "<|behind|>")).endsWith(ids(library, "<|behind|>"));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void mergesNeverMakeAControlToken(boolean arrays) throws IOException {
        TokenizerFixtures.writeLlama2Style(directory, "never");
        Path file = directory.resolve("tokenizer.json");
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = (ObjectNode) mapper.readTree(file.toFile());
        ObjectNode vocabulary = (ObjectNode) root.path("model").path("vocab");
        for (String piece : List.of("<", ">", "/", "<s", "</", "</s", "<s>a")) {
            vocabulary.put(piece, vocabulary.size());
        }
        ArrayNode merges = mapper.createArrayNode();
        root.path("model").path("merges").forEach(merge -> merges.add(merge(merge.asText(), arrays, mapper)));
        for (String merge : List.of("< s", "<s >", "< /", "</ s", "</s >", "<s> a")) {
            merges.add(merge(merge, arrays, mapper));
        }
        ((ObjectNode) root.path("model")).set("merges", merges);
        Files.writeString(file, root.toString());
        int begins = vocabulary.path("<s").asInt();
        int ends = vocabulary.path("</s").asInt();
        int greater = vocabulary.path(">").asInt();
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, TokenizerFixtures.llama2Config());
                HuggingFaceTokenizer library = TokenizerFixtures.library(directory)) {
            assertThat(tokenizer.encode("<s>")).containsExactly(begins, greater);
            assertThat(tokenizer.encode("</s></s>")).containsExactly(ends, greater, ends, greater);
            assertThat(tokenizer.encode("<s>a")).doesNotContain(1);
            assertThat(prompt(tokenizer, "<s>a stor</s>")).isEqualTo(ids(library, "<s>a stor</s>"));
        }
    }

    private static JsonNode merge(String merge, boolean array, ObjectMapper mapper) {
        String[] parts = merge.split(" ");
        return array ? mapper.createArrayNode().add(parts[0]).add(parts[1]) : mapper.getNodeFactory().textNode(merge);
    }

    @ParameterizedTest
    @CsvSource({ "true,false", "false,true", "true,true" })
    void whitespaceOfEveryKindGoesWithATokenThatTakesIt(boolean left, boolean right) throws IOException {
        TokenizerFixtures.writePocket(directory, null, root -> ((ObjectNode) root.path("added_tokens").get(1))
                .put("lstrip", left).put("rstrip", right));
        try (TextTokenizer tokenizer = tokenizer();
                HuggingFaceTokenizer library = TokenizerFixtures.library(directory)) {
            for (int character = 0; character < 0x10000; character++) {
                boolean maySpace = Character.isWhitespace(character) || Character.isSpaceChar(character)
                        || Character.getType(character) == Character.CONTROL
                        || Character.getType(character) == Character.FORMAT;
                if (maySpace) {
                    String space = Character.toString(character);
                    String prompt = "<|bos|>a" + space + "<|end|>" + space + space + "b<|end|>" + space;
                    assertThat(prompt(tokenizer, prompt)).as("U+%04X", character)
                            .isEqualTo(ids(library, prompt));
                }
            }
        }
    }
}
