// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.chaijlama.TestModels;
import io.github.chaijlama.model.ModelLoadException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Beginnings of sequences, long and strange text, and closing while others encode. */
class TokenizerEdgeTests {
    @TempDir
    Path directory;

    static Stream<JsonNode> specialTokens() throws IOException {
        return StreamSupport.stream(new ObjectMapper()
                .readTree(Path.of("src/test/resources/tokenizers/expectations.json").toFile()).spliterator(), false);
    }

    /** Every post-processor, add_bos_token and class, see {@code make_expectations.py}. */
    @ParameterizedTest
    @MethodSource("specialTokens")
    void specialTokensStandWhereTransformersPutsThem(JsonNode expectation) throws IOException {
        String name = expectation.path("name").asText();
        TokenizerFixtures.writePocket(directory, expectation.path("config").toString(),
                root -> root.set("post_processor", expectation.path("processor")));
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, TokenizerFixtures.pocketConfig())) {
            ChatTemplate template = ChatTemplate.of(TokenizerFiles.read(directory), tokenizer).orElseThrow();
            assertThat(tokenizer.encodePrompt("Hi")).as(name).containsExactly(numbers(expectation.path("text")));
            assertThat(tokenizer.encodePrompt(template.render(List.of(ChatMessage.user("Hi")), false))).as(name)
                    .containsExactly(numbers(expectation.path("conversation")));
            assertThat(tokenizer.encode("Hi")).as("text has none").doesNotContain(0, 1);
            int last = expectation.path("text").size() - 1;
            boolean hasEnd = expectation.path("text").get(last).asInt() == 1;
            assertThat(tokenizer.encodeBeginning("Hi")).as(name)
                    .containsExactly(Arrays.copyOf(numbers(expectation.path("text")), hasEnd ? last : last + 1));
        }
    }

    private static int[] numbers(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
    }

    @Test
    void aTokenBesideTextsThatDoesNotExistIsNamed() throws IOException {
        TokenizerFixtures.writePocket(directory, "{}", root -> {
            ObjectNode processor = root.putObject("post_processor").put("type", "TemplateProcessing");
            processor.withArray("single").addObject().putObject("SpecialToken").put("id", "<s>");
        });
        assertThatThrownBy(() -> TextTokenizer.load(directory, TokenizerFixtures.pocketConfig()))
                .isInstanceOf(ModelLoadException.class).hasMessageEndingWith(
                        "tokenizer.json: the post-processor puts a token '<s>' beside texts, which the tokenizer does "
                                + "not have");
    }

    @Test
    void aBeginningThatTheTemplateWritesLaterIsTheOnlyOne() {
        try (TextTokenizer tokenizer = TokenizerFixtures.pocket()) {
            assertThat(tokenizer.encodePrompt(new RenderedPrompt("<|system|><|bos|><|user|>", '\uE000')))
                    .containsExactly(3, 0, 4);
            assertThat(tokenizer.encodePrompt(new RenderedPrompt("<|bos|><|user|><|bos|>", '\uE000')))
                    .as("as often as it writes it").containsExactly(0, 4, 0);
            assertThat(tokenizer.encodePrompt(new RenderedPrompt("<|user|><\uE000|bos|>", '\uE000')))
                    .as("one of a message is none").startsWith(4).doesNotContain(0);
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
