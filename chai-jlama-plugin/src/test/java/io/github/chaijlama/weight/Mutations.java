// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

import io.github.chaijlama.model.Excerpt;

/** Damages JSON, reproducibly: bits, ranges of bytes, numbers, strings, members. Says what it did. */
final class Mutations {
    private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d+)?([eE][-+]?\\d+)?");
    private static final Pattern STRING = Pattern.compile("\"[^\"]*\"");
    private static final Pattern MEMBER = Pattern.compile("\"[^\"]*\"\\s*:\\s*(\"[^\"]*\"|[-\\w.]+|\\[[^\\[\\]]*\\])");
    private static final List<String> VALUES = List.of("0", "-1", "1", "2", "3", "33", "65536", "1000000", "16777216",
            "2147483647", "2147483648",
            "-2147483648", "4294967296", "9007199254740992", "9223372036854775807", "9223372036854775808",
            "1e308", "-1e308", "1e-320", "1e999", "1e-999", "0.5", "-0", "NaN", "\"NaN\"", "Infinity", "\"Infinity\"",
            "null", "true", "false", "\"\"", "[]", "{}", "[1]", "\"1\"", "{\"type\":\"linear\"}", "1".repeat(990),
            "1".repeat(1200), "\"" + "x".repeat(100_000) + "\"", "[".repeat(900) + "]".repeat(900),
            "[".repeat(5000) + "]".repeat(5000), "[" + "7,".repeat(5000) + "7]");
    private static final List<String> STRINGS = List.of("\"\"", "\"F32\"", "\"BF16\"", "\"F16\"", "\"Q4\"", "\"I8\"",
            "\"F64\"", "\"I64\"", "\"F8_E4M3\"", "\"U8\"", "\"NaN\"", "\"\\u0000\"", "\"\\ud800\"", "\"llama\"",
            "\"silu\"", "\"shape\"", "\"" + "y".repeat(60_000) + "\"", "7", "null", "[]");
    /** Members that mean something to a reader, whether or not the original has them. */
    private static final List<String> MEMBERS = List.of("\"head_dim\":", "\"num_key_value_heads\":",
            "\"num_hidden_layers\":", "\"max_position_embeddings\":", "\"rope_scaling\":", "\"rope_parameters\":",
            "\"attention_bias\":", "\"tie_word_embeddings\":", "\"vocab_size\":", "\"rms_norm_eps\":",
            "\"rope_theta\":", "\"hidden_act\":", "\"bos_token_id\":", "\"eos_token_id\":", "\"sliding_window\":",
            "\"__metadata__\":", "\"lm_head.weight\":", "\"model.norm.weight.qb\":", "\"dtype\":", "\"shape\":",
            "\"data_offsets\":");

    private final SplittableRandom random;
    private final List<String> done = new ArrayList<>();

    Mutations(long seed) {
        this.random = new SplittableRandom(seed);
    }

    SplittableRandom random() {
        return random;
    }

    /** Returns what was done. */
    @Override
    public String toString() {
        return String.join(", ", done);
    }

    /** Returns a text with one to three kinds of damage. */
    byte[] damage(byte[] text) {
        byte[] damaged = text;
        for (int left = 1 + random.nextInt(3); left > 0 && damaged.length > 1; left--) {
            damaged = switch (random.nextInt(10)) {
                case 0 -> flipBits(damaged);
                case 1 -> deleteRange(damaged);
                case 2 -> duplicateRange(damaged);
                case 3 -> replace(damaged, STRING, STRINGS);
                case 4 -> replace(damaged, MEMBER, null);
                case 5 -> insertMember(damaged);
                default -> replace(damaged, NUMBER, VALUES);
            };
        }
        return damaged;
    }

    /** Flips one to eight bits. */
    byte[] flipBits(byte[] bytes) {
        byte[] damaged = bytes.clone();
        for (int left = 1 + random.nextInt(8); left > 0; left--) {
            int bit = random.nextInt(8 * bytes.length);
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            done.add("bit " + bit);
        }
        return damaged;
    }

    /** Flips bits of some weights, or makes some of them the largest numbers, infinite, or no numbers. */
    byte[] damageWeights(byte[] bytes) {
        if (random.nextBoolean()) {
            return flipBits(bytes);
        }
        byte[] damaged = bytes.clone();
        for (int left = 1 + random.nextInt(8); left > 0; left--) {
            int at = random.nextInt(bytes.length / 4) * 4;
            int value = random.nextInt(3) == 0 ? 0x7f7fffff : random.nextBoolean() ? 0x7f807c00 : 0xffc0fe00;
            ByteBuffer.wrap(damaged).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
            done.add(Integer.toHexString(value) + " at byte " + at);
        }
        return damaged;
    }

    private byte[] deleteRange(byte[] bytes) {
        int from = random.nextInt(bytes.length);
        int to = Math.min(bytes.length, from + 1 + random.nextInt(random.nextBoolean() ? 4 : 200));
        done.add("without " + from + " to " + to);
        return join(bytes, 0, from, bytes, to, bytes.length);
    }

    private byte[] duplicateRange(byte[] bytes) {
        int from = random.nextInt(bytes.length);
        int to = Math.min(bytes.length, from + 1 + random.nextInt(random.nextBoolean() ? 4 : 200));
        done.add("twice " + from + " to " + to);
        return join(bytes, 0, to, bytes, from, bytes.length);
    }

    private static byte[] join(byte[] a, int aFrom, int aTo, byte[] b, int bFrom, int bTo) {
        byte[] joined = Arrays.copyOf(Arrays.copyOfRange(a, aFrom, aTo), aTo - aFrom + bTo - bFrom);
        System.arraycopy(b, bFrom, joined, aTo - aFrom, bTo - bFrom);
        return joined;
    }

    /** Replaces one of the places where a pattern is found: by one of some values, or (null) by another such place. */
    private byte[] replace(byte[] bytes, Pattern pattern, List<String> values) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        List<MatchResult> places = pattern.matcher(text).results().toList();
        if (places.isEmpty()) {
            return bytes;
        }
        MatchResult place = places.get(random.nextInt(places.size()));
        String value = values != null ? values.get(random.nextInt(values.size()))
                : places.get(random.nextInt(places.size())).group();
        if (values == VALUES && random.nextInt(4) == 0 && place.group().matches("\\d{1,9}")) {
            long number = Long.parseLong(place.group());
            value = Long.toString(random.nextInt(3) == 0 ? 2 * number : number + random.nextInt(-3, 4) * 4);
        }
        done.add(Excerpt.of(place.group()) + " at " + place.start() + " becomes " + Excerpt.of(value));
        return (text.substring(0, place.start()) + value + text.substring(place.end()))
                .getBytes(StandardCharsets.ISO_8859_1);
    }

    private byte[] insertMember(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        String member = MEMBERS.get(random.nextInt(MEMBERS.size()))
                + (random.nextInt(4) == 0 ? STRINGS.get(random.nextInt(STRINGS.size()))
                        : VALUES.get(random.nextInt(VALUES.size())))
                + ",";
        int at = text.indexOf('{', random.nextInt(4) == 0 ? random.nextInt(text.length()) : 0) + 1;
        done.add(Excerpt.of(member) + " at " + at);
        return (text.substring(0, at) + member + text.substring(at)).getBytes(StandardCharsets.ISO_8859_1);
    }
}
