// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;

/** Beginnings of sequences, long and strange text, and closing while others encode. */
class TokenizerEdgeTests {
    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource({
            // add_bos_token, post_processor, whether prompts get one
            "true, none, true", "true, bos, true", "true, bytes, true", //
            "false, none, false", "false, bos, false", "false, bytes, false", //
            "absent, none, true", "absent, bos, true", "absent, bytes, false", "absent, eos, false",
            "absent, sequence, true" })
    void theTokenizerSaysWhetherPromptsGetABeginning(String setting, String processor, boolean expected)
            throws IOException {
        String adds = setting.equals("absent") ? "" : ", \"add_bos_token\": " + setting;
        TokenizerFixtures.writePocket(directory, "{\"bos_token\": \"<|bos|>\"" + adds + "}", root -> {
            switch (processor) {
                case "none" -> root.putNull("post_processor");
                case "bytes" -> root.putObject("post_processor").put("type", "ByteLevel").put("trim_offsets", true);
                case "sequence" -> {
                    ObjectNode sequence = root.putObject("post_processor").put("type", "Sequence");
                    sequence.withArray("processors").addObject().put("type", "ByteLevel");
                    template(sequence.withArray("processors").addObject(), true);
                }
                default -> template(root.putObject("post_processor"), processor.equals("bos"));
            }
        });
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, TokenizerFixtures.pocketConfig())) {
            assertThat(tokenizer.bosToken()).isEqualTo(expected ? OptionalInt.of(0) : OptionalInt.empty());
            assertThat(tokenizer.encode("a")).as("text never does").doesNotContain(0);
            for (int[] tokens : new int[][]{ tokenizer.encodePrompt("a"),
                    tokenizer.encodePrompt(new RenderedPrompt("<|user|>a", '\uE000')) }) {
                assertThat(Arrays.stream(tokens).filter(token -> token == 0).count()).isEqualTo(expected ? 1 : 0);
                assertThat(tokens[0] == 0).isEqualTo(expected);
            }
        }
    }

    private static void template(ObjectNode processor, boolean bosFirst) {
        processor.put("type", "TemplateProcessing").putArray("pair");
        ObjectNode first = processor.withArray("single").addObject();
        ObjectNode second = processor.withArray("single").addObject();
        (bosFirst ? first : second).putObject("SpecialToken").put("id", "<|bos|>").put("type_id", 0);
        (bosFirst ? second : first).putObject("Sequence").put("id", "A").put("type_id", 0);
        processor.putObject("special_tokens");
    }

    @Test
    void aBeginningThatTheTemplateWritesLaterIsTheOnlyOne() {
        try (TextTokenizer tokenizer = TokenizerFixtures.pocket()) {
            assertThat(tokenizer.encodePrompt(new RenderedPrompt("<|system|><|bos|><|user|>", '\uE000')))
                    .containsExactly(3, 0, 4);
            assertThat(tokenizer.encodePrompt(new RenderedPrompt("<|bos|><|user|><|bos|>", '\uE000')))
                    .as("as often as it writes it").containsExactly(0, 4, 0);
            assertThat(tokenizer.encodePrompt(new RenderedPrompt("<|user|><\uE000|bos|>", '\uE000')))
                    .as("one of a message is none").startsWith(0, 4).containsOnlyOnce(0);
        }
    }

    static Stream<String> longTexts() {
        return Stream.of("Once upon a time there was a fox. ".repeat(31_000), "a".repeat(1 << 20), " ".repeat(1 << 16),
                "中文😀".repeat(1 << 14), "<|end|>".repeat(10_000), "\n".repeat(1 << 16), "7".repeat(1 << 16));
    }

    @ParameterizedTest
    @MethodSource("longTexts")
    void longTextSurvives(String text) {
        try (TextTokenizer tokenizer = TokenizerFixtures.pocket()) {
            assertThat(tokenizer.decode(tokenizer.encode(text)).equals(text)).isTrue();
            ChatTemplate template = ChatTemplate
                    .of(TokenizerFiles.read(TestModels.POCKET), tokenizer).orElseThrow();
            int[] prompt = tokenizer.encodePrompt(template.render(List.of(ChatMessage.user(text)), true));
            assertThat(Arrays.stream(prompt).filter(token -> token < 8).toArray()).containsExactly(0, 4, 1, 5);
            assertThat(tokenizer.decode(prompt).equals(text)).isTrue();
        }
    }

    @Test
    void strangeTextSurvives() throws IOException {
        TokenizerFixtures.writeLlama2Style(directory, "first");
        try (TextTokenizer bytes = TokenizerFixtures.pocket();
                TextTokenizer metaspace = TextTokenizer.load(directory, TokenizerFixtures.llama2Config())) {
            for (TextTokenizer tokenizer : List.of(bytes, metaspace)) {
                for (String text : List.of("\u0000", "a\u0000b\u0000\u0000", "\uFFFD", "a\uFFFD\uFFFDb", "\uFFFE\uFFFF",
                        "\uFEFFbom", "\u200B\u200D", "\uE000\uF8FF", "\uDBFF\uDFFF", "e\u0301\u0323", "\r\n\r",
                        "\u0085",
                        "\u2028\u2029", "\u202Eabc")) {
                    assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
                }
                for (String broken : List.of("\uD800", "\uDC00", "\uDC00\uD800", "a\uD83D", "\uDE00b")) {
                    String replaced = broken.replaceAll("[\uD800-\uDFFF]", "?");
                    assertThat(tokenizer.decode(tokenizer.encode(broken))).isEqualTo(replaced);
                }
            }
        }
    }

    @Test
    void closingWaitsForWhoIsEncoding() throws Exception {
        String text = "Tell me a story about a fox named Ruby. ".repeat(20);
        try (ExecutorService executor = Executors.newFixedThreadPool(4)) {
            for (int round = 0; round < 25; round++) {
                TextTokenizer tokenizer = TokenizerFixtures.pocket();
                int[] expected = tokenizer.encode(text);
                CountDownLatch started = new CountDownLatch(4);
                List<Future<?>> encoders = Stream.generate(() -> executor.submit(() -> {
                    started.countDown();
                    try {
                        while (true) {
                            assertThat(tokenizer.encode(text)).isEqualTo(expected);
                        }
                    } catch (IllegalStateException e) {
                        assertThat(e).hasMessage("the model is closed");
                    }
                })).limit(4).<Future<?>>map(future -> future).toList();
                started.await();
                tokenizer.close();
                for (Future<?> encoder : encoders) {
                    encoder.get();
                }
                tokenizer.close();
                assertThat(tokenizer.decode(expected)).as("needs no library").isEqualTo(text);
            }
        }
    }
}
