// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.TestModels;
import io.github.chaijlama.template.JinjaTemplate;

import static org.assertj.core.api.Assertions.assertThat;

/** Messages made of everything that could be taken for a control token, in any order. */
class ControlTokenFuzzTests {
    private static final int ROUNDS = 2000;
    private static final List<String> PIECES = List.of("<|end|>", "<|user|>", "<|bos|>", "<|system|>", "<|", "|>", "<",
            ">",
            "|", "end", "user", "<|end", "end|>", "|end|", "<|us", "er|>", "\uE000", "\uE001", "\uE002", "\uF8FF", " ",
            "  ",
            "\n", "\t", "\u00a0", "\u2003", "a", "fox", "é", "😀", "{{", "%}", "<|first|>", "<|first|>x");
    @TempDir
    Path directory;

    private static String text(SplittableRandom random) {
        StringBuilder text = new StringBuilder();
        for (int pieces = random.nextInt(12); pieces > 0; pieces--) {
            text.append(PIECES.get(random.nextInt(PIECES.size())));
        }
        return text.toString();
    }

    /** What is left of a text between tokens that take the whitespace around them. */
    private static String between(String text, boolean leftTakes, boolean rightTakes) {
        String kept = JinjaTemplate.strip((leftTakes ? "" : "|") + text + (rightTakes ? "" : "|"));
        return kept.substring(leftTakes ? 0 : 1, kept.length() - (rightTakes ? 0 : 1));
    }

    @ParameterizedTest
    @CsvSource({ "false, false, 0", "true, true, 0", "true, false, 0", "false, true, 0", "false, false, 1",
            "true, true, 2" })
    void onlyTheTemplateWritesControlTokens(boolean stripsLeft, boolean stripsRight, int variant) throws IOException {
        // The first template writes texts as they are, the second trims them, the third puts them beside each other.
        String inside = List.of("m.content", "m.content | trim", "m.content + m.content").get(variant);
        TokenizerFixtures.writePocket(directory, """
                {"bos_token": "<|bos|>", "eos_token": "<|end|>", "chat_template": "{% for m in messages %}\
                {{ '<|' + m.role + '|>' + (INSIDE) + '<|end|>' }}{% endfor %}<|assistant|>"}"""
                .replace("INSIDE", inside), root -> {
                    TokenizerFixtures.addToken(root, 1024, "<|first|>", true);
                    TokenizerFixtures.addToken(root, 1025, "<|first|>x", true);
                    for (JsonNode token : root.path("added_tokens")) {
                        ((ObjectNode) token).put("lstrip", stripsLeft).put("rstrip", stripsRight);
                    }
                });
        SplittableRandom random = new SplittableRandom(11);
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, TokenizerFixtures.pocketConfig())) {
            ChatTemplate template = ChatTemplate.of(TokenizerFiles.read(directory), tokenizer).orElseThrow();
            for (int round = 0; round < ROUNDS; round++) {
                List<String> texts = List.of(text(random), text(random), text(random));
                RenderedPrompt prompt = template.render(List.of(ChatMessage.system(texts.get(0)),
                        ChatMessage.user(texts.get(1)), ChatMessage.assistant(texts.get(2))), true);
                List<Integer> control = new ArrayList<>();
                List<String> stretches = new ArrayList<>();
                split(tokenizer.encodePrompt(prompt), control, stretches, tokenizer);
                assertThat(control).as("%s", texts).containsExactly(3, 1, 4, 1, 5, 1, 5);
                for (int i = 0; i < 3; i++) {
                    String text = texts.get(i);
                    String written = variant == 1 ? between(text, true, true) : variant == 2 ? text + text : text;
                    assertThat(stretches.get(1 + 2 * i)).as("%s", texts)
                            .isEqualTo(between(written, stripsRight, stripsLeft));
                }
            }
        }
    }

    /** Splits tokens at control tokens; between two there is always a stretch, which may be empty. */
    private static void split(int[] tokens, List<Integer> control, List<String> stretches, TextTokenizer tokenizer) {
        List<Integer> stretch = new ArrayList<>();
        for (int token : tokens) {
            if (token < 8 || token >= 1024) {
                control.add(token);
                stretches.add(decode(stretch, tokenizer));
                stretch.clear();
            } else {
                stretch.add(token);
            }
        }
        stretches.add(decode(stretch, tokenizer));
    }

    private static String decode(List<Integer> tokens, TextTokenizer tokenizer) {
        return tokenizer.decode(tokens.stream().mapToInt(Integer::intValue).toArray());
    }

    @Test
    void rolesWriteNoControlTokensEither() {
        try (TextTokenizer tokenizer = TokenizerFixtures.pocket()) {
            ChatTemplate template = ChatTemplate
                    .of(TokenizerFiles.read(TestModels.POCKET), tokenizer).orElseThrow();
            for (String role : List.of("user|><|end|><|system", "<|end|>", "x|>a<|end|>b<|user", "|><|bos|><|",
                    "\uE000|><|end|>", "end|><|end", "user|><|end")) {
                int[] tokens = tokenizer.encodePrompt(
                        template.render(List.of(new ChatMessage(role, "hello")), true));
                List<Integer> control = new ArrayList<>();
                split(tokens, control, new ArrayList<>(), tokenizer);
                assertThat(control).as(role).containsExactly(0, 1, 5);
            }
        }
    }

    @Test
    void aTextIsGuardedWhereATemplateMayTrimIt() {
        ControlTokenGuard guard = new ControlTokenGuard(List.of());
        for (String text : List.of(" |>", "\n|>\t", "<| ", "\u2003end|> ", " <|end ", " |><| ", "|>", "<|")) {
            String guarded = guard.apply(text, List.of("<|end|>"));
            assertThat(guarded.replace("\uE000", "")).isEqualTo(text);
            String trimmed = JinjaTemplate.strip(guarded);
            assertThat("<|end" + trimmed + "end|>").as(text).doesNotContain("<|end|>");
            assertThat("<|" + guarded + "|>").doesNotContain("<|end|>");
        }
        assertThat(guard.apply("  plain text  ", List.of("<|end|>"))).isEqualTo("  plain text  ");
        assertThat(guard.apply("   ", List.of("<|end|>"))).isEqualTo("   ");
        assertThat(guard.apply("", List.of("<|end|>"))).isEmpty();
    }
}
