// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.chaijlama.model.ModelConfig;

import static org.assertj.core.api.Assertions.assertThat;

/** Tokenizers put together as those of the well-known families are. */
class FamilyTokenizerTests {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    /** In Pocket's vocabulary. */
    private static final int BOS = 0;
    private static final int END = 1;

    @TempDir
    Path directory;

    /**
     * Gemma: spaces become U+2581 by a normalizer, bytes fall back, runs of spaces and line breaks are added tokens.
     */
    private void writeGemmaStyle() throws IOException {
        TokenizerFixtures.writeLlama2Style(directory, null);
        Path file = directory.resolve("tokenizer.json");
        ObjectNode root = (ObjectNode) MAPPER.readTree(Files.readString(file));
        ObjectNode normalizer = root.putObject("normalizer").put("type", "Replace").put("content", "\u2581");
        normalizer.putObject("pattern").put("String", " ");
        root.putNull("pre_tokenizer");
        ObjectNode decoder = root.putObject("decoder").put("type", "Sequence");
        ArrayNode decoders = decoder.putArray("decoders");
        decoders.addObject().put("type", "Replace").put("content", " ").putObject("pattern").put("String", "\u2581");
        decoders.addObject().put("type", "ByteFallback");
        decoders.addObject().put("type", "Fuse");
        ObjectNode model = (ObjectNode) root.path("model");
        ObjectNode vocabulary = (ObjectNode) model.path("vocab");
        ArrayNode merges = (ArrayNode) model.path("merges");
        int next = 1 + vocabulary.properties().stream().mapToInt(entry -> entry.getValue().asInt()).max().orElseThrow();
        for (int length = 2; length <= 8; length *= 2) {
            String half = "\u2581".repeat(length / 2);
            int id = next++;
            vocabulary.put(half + half, id);
            merges.insert(0, half + " " + half);
            TokenizerFixtures.addToken(root, id, half + half, false);
        }
        Files.writeString(file, root.toString());
    }

    @Test
    void gemmasRunsOfSpacesAreSpaces() throws IOException {
        writeGemmaStyle();
        try (TextTokenizer tokenizer = TextTokenizer.load(directory, TokenizerFixtures.llama2Config());
                HuggingFaceTokenizer library = TokenizerFixtures.library(directory)) {
            for (String text : List.of("def a\n    def b\n        c", "a  b", "  a", "a    ", "中 文  😀", "é")) {
                int[] tokens = tokenizer.encode(text);
                long[] expected = library.encode(text, false, false).getIds();
                assertThat(Arrays.stream(tokens).asLongStream().toArray()).as(text).isEqualTo(expected);
                assertThat(tokenizer.decode(tokens)).isEqualTo(text).isEqualTo(library.decode(expected));
                StreamingTextDecoder streaming = tokenizer.newDecoder(true);
                StringBuilder pieces = new StringBuilder();
                Arrays.stream(tokens).forEach(token -> pieces.append(streaming.next(token)));
                assertThat(pieces.append(streaming.finish()).toString()).isEqualTo(text);
            }
        }
    }

    /**
     * Which token begins a prompt: {@code name} is tokenizer_config.json's, {@code processor} what tokenizer.json puts
     * first, {@code config} the number in config.json, {@code bos} what is found, {@code added} whether a text gets it.
     */
    @ParameterizedTest
    @CsvSource({
            // Llama 3: byte level, then a template with its own first token
            "PreTrainedTokenizerFast, <|bos|>, template, 0, 0, true",
            // Llama 2 and Gemma
            "LlamaTokenizer, <|bos|>, template, 0, 0, true", "GemmaTokenizer, <|bos|>, none, 0, 0, false",
            // Qwen 2: a number in config.json, but no token
            "Qwen2Tokenizer, '', bytes, 1, , false", "Qwen2Tokenizer, '', none, 1, , false",
            // GPT-2: its end of text is also called its beginning, and not put before a text
            "GPT2Tokenizer, <|end|>, bytes, 1, 1, false", "GPT2Tokenizer, <|end|>, none, 1, 1, false",
            // OPT: it is put before a text, as add_bos_token asks of who writes tokenizer.json
            "GPT2Tokenizer, <|end|>, template, 1, 1, true",
            // a distilled model that kept the config.json of another tokenizer
            "LlamaTokenizerFast, <|bos|>, template, 1, 0, true", "LlamaTokenizerFast, <|bos|>, none, 1, 0, false" })
    void theTokenizerKnowsItsBeginning(String tokenizerClass, String name, String processor, int config, Integer bos,
            boolean added) throws IOException {
        String named = name.isEmpty() ? "null" : "\"" + name + "\"";
        TokenizerFixtures.writePocket(directory,
                "{\"tokenizer_class\": \"" + tokenizerClass + "\", \"bos_token\": " + named + "}", root -> {
                    switch (processor) {
                        case "template" -> {
                            ObjectNode sequence = root.putObject("post_processor").put("type", "Sequence");
                            ArrayNode processors = sequence.putArray("processors");
                            processors.addObject().put("type", "ByteLevel").put("add_prefix_space", true)
                                    .put("trim_offsets", false).put("use_regex", true);
                            ObjectNode template = processors.addObject().put("type", "TemplateProcessing");
                            ArrayNode single = template.putArray("single");
                            single.addObject().putObject("SpecialToken").put("id", name).put("type_id", 0);
                            single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
                            template.putArray("pair");
                            template.putObject("special_tokens");
                        }
                        case "bytes" -> root.putObject("post_processor").put("type", "ByteLevel")
                                .put("add_prefix_space", true).put("trim_offsets", false).put("use_regex", true);
                        default -> root.putNull("post_processor");
                    }
                });
        ModelConfig pocket = TokenizerFixtures.pocketConfig();
        try (TextTokenizer tokenizer = TextTokenizer.load(directory,
                TokenizerFixtures.withBosToken(pocket, config))) {
            assertThat(tokenizer.bosToken()).isEqualTo(bos == null ? OptionalInt.empty() : OptionalInt.of(bos));
            int[] prompt = tokenizer.encodePrompt("Once");
            assertThat(prompt[0] == BOS || prompt[0] == END).isEqualTo(added);
        }
    }
}
