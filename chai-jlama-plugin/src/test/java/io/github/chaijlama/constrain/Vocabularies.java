// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.IntStream;

import io.github.chaijlama.TestModels;
import io.github.chaijlama.generate.TextTokenizer;
import io.github.chaijlama.model.ModelConfig;

/** Vocabularies for tests. */
final class Vocabularies {
    /** The end token of {@link #of}. */
    static final int END = 0;

    private Vocabularies() {}

    /** The vocabulary of the Pocket model. */
    static Vocabulary pocket() {
        try (TextTokenizer tokenizer = TextTokenizer.load(TestModels.POCKET,
                ModelConfig.read(TestModels.POCKET))) {
            return tokenizer.vocabulary();
        }
    }

    /** An end token, every byte, and these pieces. */
    static Vocabulary of(String... pieces) {
        return of(List.of(pieces).stream().map(piece -> piece.getBytes(StandardCharsets.UTF_8)).toList());
    }

    static Vocabulary of(List<byte[]> pieces) {
        List<byte[]> tokens = new ArrayList<>();
        tokens.add(new byte[0]);
        for (int value = 0; value < 256; value++) {
            tokens.add(new byte[]{ (byte) value });
        }
        tokens.addAll(pieces);
        return new Vocabulary(tokens.size(), tokens::get, Set.of(), Set.of(END));
    }

    /** Returns a tokenizer that takes the longest token always. */
    static Function<String, int[]> longestFirst(Vocabulary vocabulary) {
        Map<ByteBuffer, Integer> tokens = new HashMap<>();
        for (int token = 0; token < vocabulary.size(); token++) {
            tokens.putIfAbsent(ByteBuffer.wrap(vocabulary.bytes(token)), token);
        }
        return text -> {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            IntStream.Builder found = IntStream.builder();
            for (int from = 0; from < bytes.length;) {
                int[] longest = { 0 };
                vocabulary.tokensAt(bytes, from, bytes.length, length -> longest[0] = Math.max(longest[0], length));
                found.add(Objects.requireNonNull(tokens.get(ByteBuffer.wrap(bytes, from, longest[0]))));
                from += longest[0];
            }
            return found.build().toArray();
        };
    }

    /**
     * A vocabulary of the size of Llama 3's: words with and without a space, numbers, punctuation, and pieces of
     * characters.
     */
    static Vocabulary large(int size, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<byte[]> pieces = new ArrayList<>();
        for (int number = 10; number < 1000; number++) {
            pieces.add(Integer.toString(number).getBytes(StandardCharsets.UTF_8));
        }
        String punctuation = "\"{}[]:,\n \\()<>/=;'";
        while (pieces.size() < size - 257) {
            int kind = random.nextInt(100);
            StringBuilder text = new StringBuilder(random.nextBoolean() ? " " : "");
            if (kind < 5) {
                for (int i = random.nextInt(2, 6); i > 0; i--) {
                    text.append(punctuation.charAt(random.nextInt(punctuation.length())));
                }
            } else {
                for (int i = random.nextInt(2, 10); i > 0; i--) {
                    text.append((char) (kind < 85 ? 'a' + random.nextInt(26) : 0x4E00 + random.nextInt(5000)));
                }
                if (kind >= 83 && kind < 85) {
                    text.append("\":");
                }
            }
            byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
            pieces.add(kind < 97 ? bytes : Arrays.copyOf(bytes, bytes.length - 1));
        }
        return of(pieces);
    }
}
