// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.github.chaijlama.TestModels;
import io.github.chaijlama.model.ModelConfig;

/** Tokenizers for tests. */
final class TokenizerFixtures {
    /** What text may look like. */
    static final List<String> TEXTS = List.of("Tell me a story about a fox named Ruby.", "  two  spaces\n\nand lines\t",
            "中文字符在这里", "مرحبا بالعالم",
            "emoji 😀👩‍👩‍👧‍👦🏳️‍🌈 end", "café naïve Ångström ñ",
            "e\u0301 combining",
            "\u0000\u0001 control", "a\u2581b <0x41> Ġ", "{{7*7}}{% for x in y %}",
            "日本語とEnglishの混ざった文", "🇩🇪");

    private TokenizerFixtures() {}

    static ModelConfig pocketConfig() {
        return ModelConfig.read(TestModels.POCKET);
    }

    static TextTokenizer pocket() {
        return TextTokenizer.load(TestModels.POCKET, pocketConfig());
    }

    /** The library with the file as it is: it recognises control tokens everywhere. */
    static HuggingFaceTokenizer library(Path directory) {
        TokenizerLibrary.configure();
        try {
            String json = Files.readString(directory.resolve("tokenizer.json"));
            return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)),
                    Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the library's tokens of a text, in which it recognises control tokens. */
    static int[] ids(HuggingFaceTokenizer library, String text) {
        return Arrays.stream(library.encode(text, false, false).getIds()).mapToInt(Math::toIntExact).toArray();
    }

    /** Writes the Pocket tokenizer with a change, beside a configuration; with the model's own if that is null. */
    static void writePocket(Path directory, String config, Consumer<ObjectNode> change) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = (ObjectNode) mapper.readTree(TestModels.POCKET.resolve("tokenizer.json").toFile());
        change.accept(root);
        Files.writeString(directory.resolve("tokenizer.json"), root.toString());
        Files.writeString(directory.resolve("tokenizer_config.json"),
                config == null ? Files.readString(TestModels.POCKET.resolve("tokenizer_config.json")) : config);
    }

    /** Makes a control token of a token of the vocabulary, which is no text any more. */
    static void makeControlToken(ObjectNode root, int id, String content) {
        ObjectNode vocabulary = (ObjectNode) root.path("model").path("vocab");
        String text = vocabulary.properties().stream().filter(entry -> entry.getValue().asInt() == id)
                .map(Map.Entry::getKey).findFirst().orElseThrow();
        vocabulary.remove(text);
        vocabulary.put(content, id);
        ArrayNode merges = (ArrayNode) root.path("model").path("merges");
        for (int at = merges.size() - 1; at >= 0; at--) {
            if (merges.get(at).asText().replace(" ", "").equals(text)) {
                merges.remove(at);
            }
        }
        addToken(root, id, content, true);
    }

    /** Adds a token to the list of added ones. */
    static ObjectNode addToken(ObjectNode root, int id, String content, boolean special) {
        return root.withArray("added_tokens").addObject().put("id", id).put("content", content)
                .put("single_word", false).put("lstrip", false).put("rstrip", false).put("normalized", false)
                .put("special", special);
    }

    /**
     * Writes a tokenizer in the style of T5 and XLNet: every piece has a score, the best sum of scores wins.
     *
     * @param controlInVocabulary whether control tokens are pieces too, or only added behind them
     */
    static void writeUnigram(Path directory, boolean controlInVocabulary) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode();
        root.put("version", "1.0").putNull("truncation").putNull("padding").putArray("added_tokens");
        ArrayNode pieces = mapper.createArrayNode();
        pieces.add(mapper.createArrayNode().add("<unk>").add(0.0));
        List<String> control = List.of("<s>", "</s>");
        if (controlInVocabulary) {
            control.forEach(token -> pieces.add(mapper.createArrayNode().add(token).add(0.0)));
        }
        "\u2581abcdefghijklmnopqrstuvwxyz<>/TE.[]".chars().forEach(letter -> pieces
                .add(mapper.createArrayNode().add(Character.toString(letter)).add(-10.0)));
        for (String piece : List.of("\u2581a", "\u2581fox", "story", "<s", "</", "s>")) {
            pieces.add(mapper.createArrayNode().add(piece).add(-8.0));
        }
        addToken(root, 0, "<unk>", true);
        for (int i = 0; i < control.size(); i++) {
            addToken(root, controlInVocabulary ? 1 + i : pieces.size() + i, control.get(i), true);
        }
        root.putNull("normalizer").putNull("post_processor");
        root.putObject("pre_tokenizer").put("type", "Metaspace").put("replacement", "\u2581")
                .put("prepend_scheme", "always").put("split", true);
        root.putObject("decoder").put("type", "Metaspace").put("replacement", "\u2581")
                .put("prepend_scheme", "always").put("split", true);
        root.putObject("model").put("type", "Unigram").put("unk_id", 0).put("byte_fallback", false).set("vocab",
                pieces);
        Files.writeString(directory.resolve("tokenizer.json"), root.toString());
        Files.writeString(directory.resolve("tokenizer_config.json"),
                "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"add_bos_token\": false}");
    }

    /** Writes a tokenizer that knows whole words only. */
    static void writeWordLevel(Path directory, boolean listed) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode();
        root.put("version", "1.0").putNull("truncation").putNull("padding").putArray("added_tokens");
        root.putNull("normalizer").putNull("post_processor").putNull("decoder");
        root.putObject("pre_tokenizer").put("type", "WhitespaceSplit");
        ObjectNode vocabulary = root.putObject("model").put("type", "WordLevel").put("unk_token", "[UNK]")
                .putObject("vocab");
        for (String word : List.of("[UNK]", "[BOS]", "[EOS]", "a", "fox", "story")) {
            vocabulary.put(word, vocabulary.size());
        }
        if (listed) {
            addToken(root, 0, "[UNK]", true);
            addToken(root, 1, "[BOS]", true);
            addToken(root, 2, "[EOS]", true);
        }
        Files.writeString(directory.resolve("tokenizer.json"), root.toString());
        Files.writeString(directory.resolve("tokenizer_config.json"),
                "{\"bos_token\": \"[BOS]\", \"eos_token\": \"[EOS]\", \"unk_token\": \"[UNK]\", \"add_bos_token\": "
                        + "false}");
    }

    /**
     * Writes a tokenizer in the style of Llama 2: U+2581 for space, bytes as a way out.
     *
     * @param prependScheme null for a normalizer that prepends to every stretch, as in the first conversions; otherwise
     *                      the scheme of a Metaspace pre-tokenizer, as in later ones
     */
    static void writeLlama2Style(Path directory, String prependScheme) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode();
        root.put("version", "1.0").putNull("truncation").putNull("padding");
        ArrayNode added = root.putArray("added_tokens");
        List<String> special = List.of("<unk>", "<s>", "</s>");
        for (int id = 0; id < special.size(); id++) {
            added.addObject().put("id", id).put("content", special.get(id)).put("single_word", false)
                    .put("lstrip", false).put("rstrip", false).put("normalized", false).put("special", true);
        }
        ObjectNode vocab = mapper.createObjectNode();
        special.forEach(token -> vocab.put(token, vocab.size()));
        for (int value = 0; value < 256; value++) {
            vocab.put("<0x%02X>".formatted(value), vocab.size());
        }
        String letters = "\u2581abcdefghijklmnopqrstuvwxyzTE.é";
        letters.chars().forEach(letter -> vocab.put(Character.toString(letter), vocab.size()));
        ArrayNode merges = mapper.createArrayNode();
        for (String[] pair : new String[][]{ { "\u2581", "a" }, { "h", "e" }, { "\u2581", "\u2581" }, { "o", "r" },
                { "s", "t" }, { "st", "or" }, { "\u2581a", "b" } }) {
            merges.add(pair[0] + " " + pair[1]);
            vocab.put(pair[0] + pair[1], vocab.size());
        }
        ObjectNode decoder = root.putObject("decoder").put("type", "Sequence");
        ArrayNode decoders = decoder.putArray("decoders");
        decoders.addObject().put("type", "Replace").put("content", " ").putObject("pattern").put("String", "\u2581");
        decoders.addObject().put("type", "ByteFallback");
        decoders.addObject().put("type", "Fuse");
        decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
        if (prependScheme == null) {
            ObjectNode normalizer = root.putObject("normalizer").put("type", "Sequence");
            ArrayNode steps = normalizer.putArray("normalizers");
            steps.addObject().put("type", "Prepend").put("prepend", "\u2581");
            steps.addObject().put("type", "Replace").put("content", "\u2581").putObject("pattern").put("String", " ");
            root.putNull("pre_tokenizer");
        } else {
            root.putNull("normalizer");
            root.putObject("pre_tokenizer").put("type", "Metaspace").put("replacement", "\u2581")
                    .put("prepend_scheme", prependScheme).put("split", false);
        }
        ObjectNode processor = root.putObject("post_processor").put("type", "TemplateProcessing");
        ArrayNode single = processor.putArray("single");
        single.addObject().putObject("SpecialToken").put("id", "<s>").put("type_id", 0);
        single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
        processor.putArray("pair");
        processor.putObject("special_tokens").putObject("<s>").put("id", "<s>").<ObjectNode>set("ids",
                mapper.createArrayNode().add(1)).set("tokens", mapper.createArrayNode().add("<s>"));
        ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout").put("unk_token", "<unk>")
                .putNull("continuing_subword_prefix").putNull("end_of_word_suffix").put("fuse_unk", true)
                .put("byte_fallback", true);
        model.set("vocab", vocab);
        model.set("merges", merges);
        Files.writeString(directory.resolve("tokenizer.json"), root.toString());
        Files.writeString(directory.resolve("tokenizer_config.json"), """
                {"bos_token": {"content": "<s>"}, "eos_token": {"content": "</s>"}, "add_bos_token": true}""");
    }

    /** A configuration that goes with {@link #writeLlama2Style}. */
    static ModelConfig llama2Config() {
        return withBosToken(pocketConfig(), 1).withEosTokens(List.of(2));
    }

    /** A configuration whose config.json names another beginning of sequence. */
    static ModelConfig withBosToken(ModelConfig config, int bosToken) {
        return config.withBosToken(OptionalInt.of(bosToken));
    }
}
