// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;

import io.github.chaijlama.model.ModelLoadException;

/**
 * The bytes each token stands for. Tokens are pieces of UTF-8, not of text: a character may be spread over several.
 * Special tokens stand for nothing. Immutable.
 */
final class TokenBytes {
    private static final byte[] NOTHING = new byte[0];
    private static final Pattern BYTE_FALLBACK = Pattern.compile("<0x([0-9A-Fa-f]{2})>");
    /** The lower one eighth block that SentencePiece writes for a space. */
    private static final String METASPACE = "\u2581";

    private final byte[][] bytes;
    private final boolean leadingSpace;

    private TokenBytes(byte[][] bytes, boolean leadingSpace) {
        this.bytes = bytes;
        this.leadingSpace = leadingSpace;
    }

    /** How a vocabulary writes bytes as characters. */
    private enum Spelling {
        /** Every byte is a printable character, as in GPT-2, Llama 3 and Qwen 2. */
        BYTE_LEVEL,
        /** Text with {@code U+2581} for space and {@code <0x0A>} for single bytes, as in Llama 2 and Gemma. */
        METASPACE,
        /** The text itself, tokens separated by spaces. */
        LITERAL
    }

    /**
     * Works out the bytes of a vocabulary.
     *
     * @param withoutText tokens that stand for nothing
     * @throws ModelLoadException if the vocabulary is written in a way that is not supported
     */
    static TokenBytes of(TokenizerFiles files, Set<Integer> withoutText) {
        JsonNode decoder = files.tokenizer().path("decoder");
        Spelling spelling = spelling(decoder, files.directory());
        Map<Integer, String> vocabulary = vocabulary(files.tokenizer().path("model").path("vocab"));
        JsonNode added = files.tokenizer().path("added_tokens");
        int size = vocabulary.keySet().stream().mapToInt(id -> id + 1).max().orElse(0);
        for (JsonNode token : added) {
            size = Math.max(size, token.path("id").asInt() + 1);
        }
        byte[][] bytes = new byte[size][];
        vocabulary.forEach((id, token) -> bytes[id] = bytes(token, spelling));
        for (JsonNode token : added) {
            int id = token.path("id").asInt();
            String content = token.path("content").asText();
            if (content.length() > 1 || bytes[id] == null) { // a single character may be a byte of the vocabulary
                // Gemma's runs of spaces are such tokens, spelled as its vocabulary is.
                bytes[id] = spelling == Spelling.METASPACE ? bytes(content, spelling)
                        : content.getBytes(StandardCharsets.UTF_8);
            }
        }
        withoutText.forEach(id -> bytes[id] = NOTHING);
        return new TokenBytes(bytes, removesLeadingSpace(decoder, spelling));
    }

    /** Returns the bytes of a token; a token outside the vocabulary (models pad theirs) stands for nothing. */
    byte[] of(int token) {
        return token < bytes.length && bytes[token] != null ? bytes[token] : NOTHING;
    }

    /** Returns for each token the one of the same text without a space before it, or itself. */
    int[] words() {
        Map<ByteBuffer, Integer> tokens = new HashMap<>();
        for (int token = 0; token < bytes.length; token++) {
            if (of(token).length > 0) {
                tokens.put(ByteBuffer.wrap(of(token)), token);
            }
        }
        int[] words = new int[bytes.length];
        for (int token = 0; token < bytes.length; token++) {
            byte[] text = of(token);
            boolean hasSpace = text.length > 1 && text[0] == ' ';
            words[token] = hasSpace ? tokens.getOrDefault(ByteBuffer.wrap(text, 1, text.length - 1), token) : token;
        }
        return words;
    }

    /**
     * Whether a space at the very beginning of a text is not part of it: SentencePiece puts one before the first word.
     */
    boolean hasLeadingSpace() {
        return leadingSpace;
    }

    private static Map<Integer, String> vocabulary(JsonNode vocab) {
        Map<Integer, String> tokens = new HashMap<>();
        if (vocab.isArray()) { // Unigram: a list of [token, score]
            for (int id = 0; id < vocab.size(); id++) {
                tokens.put(id, vocab.get(id).path(0).asText());
            }
        } else {
            vocab.properties().forEach(entry -> tokens.put(entry.getValue().asInt(), entry.getKey()));
        }
        return tokens;
    }

    private static Spelling spelling(JsonNode decoder, Path directory) {
        if (decoder.isNull() || decoder.isMissingNode()) {
            return Spelling.LITERAL;
        }
        if (contains(decoder, "ByteLevel")) {
            return Spelling.BYTE_LEVEL;
        }
        if (contains(decoder, "Metaspace") || contains(decoder, "ByteFallback")) {
            return Spelling.METASPACE;
        }
        throw new ModelLoadException(directory.resolve("tokenizer.json") + ": decoder '"
                + decoder.path("type").asText()
                + "' is not supported; supported are ByteLevel, Metaspace and ByteFallback");
    }

    private static boolean contains(JsonNode decoder, String type) {
        if (decoder.path("type").asText().equals(type)) {
            return true;
        }
        for (JsonNode part : decoder.path("decoders")) {
            if (contains(part, type)) {
                return true;
            }
        }
        return false;
    }

    private static boolean removesLeadingSpace(JsonNode decoder, Spelling spelling) {
        return switch (spelling) {
            case BYTE_LEVEL -> false;
            case METASPACE -> contains(decoder, "Strip")
                    || contains(decoder, "Metaspace") && addsLeadingSpace(decoder);
            case LITERAL -> true;
        };
    }

    private static boolean addsLeadingSpace(JsonNode metaspace) {
        List<JsonNode> formerly = metaspace.findValues("add_prefix_space");
        return !metaspace.findValuesAsText("prepend_scheme").contains("never")
                && (formerly.isEmpty() || formerly.getFirst().asBoolean());
    }

    private static byte[] bytes(String token, Spelling spelling) {
        return switch (spelling) {
            case BYTE_LEVEL -> byteLevel(token);
            case METASPACE -> {
                Matcher single = BYTE_FALLBACK.matcher(token);
                yield single.matches() ? new byte[]{ (byte) Integer.parseInt(single.group(1), 16) }
                        : token.replace(METASPACE, " ").getBytes(StandardCharsets.UTF_8);
            }
            case LITERAL -> (" " + token).getBytes(StandardCharsets.UTF_8);
        };
    }

    /** Turns GPT-2's printable characters back into the bytes they stand for. */
    private static byte[] byteLevel(String token) {
        byte[] result = new byte[token.length()];
        for (int i = 0; i < result.length; i++) {
            Integer value = ByteLevelAlphabet.BYTE_OF_CHARACTER.get(token.charAt(i));
            if (value == null) {
                // Not a piece of text but a name, such as a control token that is part of the vocabulary.
                return token.getBytes(StandardCharsets.UTF_8);
            }
            result[i] = value.byteValue();
        }
        return result;
    }

    /**
     * The characters that byte-level vocabularies write bytes with: the printable ones of Latin-1 stand for themselves,
     * the others follow from U+0100 on.
     */
    private static final class ByteLevelAlphabet {
        static final Map<Character, Integer> BYTE_OF_CHARACTER = new HashMap<>();

        static {
            char next = 256;
            for (int value = 0; value < 256; value++) {
                boolean printable = value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xAC || value >= 0xAE;
                BYTE_OF_CHARACTER.put(printable ? (char) value : next++, value);
            }
        }
    }
}
