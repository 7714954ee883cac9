// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The tokens of a model as the bytes they stand for, in a tree. Built once for a model; immutable and thread-safe.
 *
 * <p>An answer must be able to go on with any single byte, so each byte that JSON can contain must be a token of its
 * own. That is so in byte-level vocabularies (GPT-2, Llama 3, Qwen 2) and in those that fall back to bytes (Llama 2,
 * Gemma).
 */
public final class Vocabulary {
    private static final byte[] NOTHING = {};
    /** The first of eleven bytes that UTF-8 never has: each stands for a mark here. */
    private static final int FIRST_MARK = 0xF5;

    private final int size;
    private final byte[][] bytes;
    /** The bytes that marks are spelled with. */
    private final Map<String, Byte> marks;
    private final Set<Integer> endTokens;
    private final int longestToken;
    /** The nodes of the tree in preorder {@code (node)}: depth, last byte, first node that is not below it. */
    private final int[] depth;
    private final byte[] label;
    private final int[] skip;
    /** Tokens that end at node n are {@code sorted[firstToken[n]]} to before {@code sorted[firstToken[n + 1]]}. */
    private final int[] firstToken;
    private final int[] sorted;
    /** The nodes of single bytes {@code (256)}. */
    private final int[] roots = new int[256];
    private final List<StringTokens> stringTokens;

    /**
     * Tokens that do the same to a string which they meet between two characters.
     *
     * @param example the bytes of one of them
     */
    record StringTokens(byte[] example, TokenSet tokens) {}

    /** Takes tokens that a walk meets. */
    interface TokenConsumer {
        /** Takes a token and the state after it. */
        void accept(State after, int token);
    }

    /**
     * Creates a vocabulary.
     *
     * @param size      number of tokens
     * @param bytes     the bytes that each token adds to a text, empty for tokens that stand for nothing
     * @param never     tokens that are never part of an answer's text: control tokens
     * @param endTokens tokens that end an answer
     * @throws UnsupportedOperationException if some byte of JSON is no token of its own
     */
    public Vocabulary(int size, IntFunction<byte[]> bytes, Set<Integer> never, Set<Integer> endTokens) {
        this(size, bytes, never, endTokens, Map.of());
    }

    /**
     * Creates a vocabulary with marks: control tokens that stand in answers where a form asks for them
     * ({@link AnswerForm}), and nowhere else; no other token can spell them.
     *
     * @param marks how forms write them, and their tokens; no more than eleven
     */
    public Vocabulary(int size, IntFunction<byte[]> bytes, Set<Integer> never, Set<Integer> endTokens,
            Map<String, Integer> marks) {
        this.size = size;
        this.endTokens = Set.copyOf(endTokens);
        this.bytes = new byte[size][];
        this.marks = markBytes(marks);
        Map<Integer, Byte> markTokens = marks.entrySet().stream().collect(Collectors.toMap(Map.Entry::getValue,
                mark -> this.marks.get(mark.getKey())));
        List<Integer> usable = new ArrayList<>();
        int longest = 0;
        for (int token = 0; token < size; token++) {
            Byte mark = markTokens.get(token);
            byte[] text = mark == null ? bytes.apply(token) : new byte[]{ mark };
            boolean isUsable = text.length > 0 && (mark != null || !never.contains(token) && isText(text))
                    && !endTokens.contains(token);
            this.bytes[token] = isUsable ? text : NOTHING;
            if (isUsable) {
                longest = Math.max(longest, text.length);
                usable.add(token);
            }
        }
        this.longestToken = longest;
        usable.sort(Comparator.comparing(token -> this.bytes[token], Arrays::compareUnsigned));
        this.sorted = usable.stream().mapToInt(Integer::intValue).toArray();
        int nodes = countNodes();
        this.depth = new int[nodes];
        this.label = new byte[nodes];
        this.skip = new int[nodes];
        this.firstToken = new int[nodes + 1];
        buildTree();
        requireSingleBytes();
        this.stringTokens = findStringTokens();
    }

    /** Whether bytes can be part of UTF-8; vocabularies that fall back to bytes have tokens for all. */
    private static boolean isText(byte[] text) {
        for (byte value : text) {
            if ((value & 0xFF) >= FIRST_MARK) {
                return false;
            }
        }
        return true;
    }

    private static Map<String, Byte> markBytes(Map<String, Integer> marks) {
        if (marks.size() > 256 - FIRST_MARK) {
            throw new IllegalArgumentException("a vocabulary can have up to " + (256 - FIRST_MARK)
                    + " marks, found " + marks.size());
        }
        Map<String, Byte> bytes = new LinkedHashMap<>();
        marks.keySet().stream().sorted().forEach(mark -> bytes.put(mark, (byte) (FIRST_MARK + bytes.size())));
        return bytes;
    }

    /** Returns the bytes of a text of a form, its marks as the tokens that they are. */
    byte[] spell(String text) {
        ByteArrayOutputStream spelled = new ByteArrayOutputStream();
        int from = 0;
        for (int at = 0; at < text.length();) {
            int here = at;
            Optional<String> mark = marks.keySet().stream().filter(one -> text.startsWith(one, here)).findFirst();
            if (mark.isPresent()) {
                spelled.writeBytes(text.substring(from, at).getBytes(StandardCharsets.UTF_8));
                spelled.write(Objects.requireNonNull(marks.get(mark.get())));
                from = at + mark.get().length();
            }
            at = mark.isPresent() ? from : at + 1;
        }
        spelled.writeBytes(text.substring(from).getBytes(StandardCharsets.UTF_8));
        return spelled.toByteArray();
    }

    private int countNodes() {
        int nodes = 0;
        byte[] before = {};
        for (int token : sorted) {
            nodes += bytes[token].length - common(before, bytes[token]);
            before = bytes[token];
        }
        return nodes;
    }

    private static int common(byte[] a, byte[] b) {
        int mismatch = Arrays.mismatch(a, b);
        return mismatch < 0 ? a.length : mismatch;
    }

    private void buildTree() {
        int[] open = new int[longestToken + 1];
        int openDepth = 0;
        int node = 0;
        byte[] before = {};
        Arrays.fill(roots, -1);
        for (int i = 0; i < sorted.length; i++) {
            byte[] text = bytes[sorted[i]];
            int shared = common(before, text);
            for (; openDepth > shared; openDepth--) {
                skip[open[openDepth]] = node;
            }
            for (; openDepth < text.length; node++) {
                label[node] = text[openDepth++];
                depth[node] = openDepth;
                firstToken[node] = i;
                open[openDepth] = node;
                if (openDepth == 1) {
                    roots[label[node] & 0xFF] = node;
                }
            }
            before = text;
        }
        for (; openDepth > 0; openDepth--) {
            skip[open[openDepth]] = node;
        }
        firstToken[node] = sorted.length;
    }

    /** A node has tokens of its own up to where its first child's begin. */
    private boolean hasTokens(int node) {
        return firstToken[node + 1] > firstToken[node];
    }

    private void requireSingleBytes() {
        for (int value = 0x20; value <= 0xF4; value++) {
            // what JSON may do without, or UTF-8 never has
            boolean needed = value != 0x7F && value != 0xC0 && value != 0xC1;
            if (needed && (roots[value] < 0 || !hasTokens(roots[value]))) {
                throw new UnsupportedOperationException(
                        "this model's vocabulary cannot be held to a schema: the byte 0x%02X is no token of its own"
                                .formatted(value));
            }
        }
    }

    /**
     * What a token does to a string: where it gets to within the string, or what it says after the end of the string.
     */
    private record Kind(int phase, int characters, boolean escapes, String after) {}

    private List<StringTokens> findStringTokens() {
        Map<Kind, List<Integer>> tokens = new LinkedHashMap<>();
        for (int token : sorted) {
            kind(bytes[token]).ifPresent(kind -> tokens.computeIfAbsent(kind, any -> new ArrayList<>()).add(token));
        }
        return tokens.values().stream().map(alike -> new StringTokens(bytes[alike.getFirst()],
                TokenSet.of(alike.stream().mapToInt(Integer::intValue).toArray(), size))).toList();
    }

    /** Returns what a token does to a string, nothing if it cannot come in one. */
    private static Optional<Kind> kind(byte[] text) {
        int phase = StringBody.BOUNDARY;
        int characters = 0;
        boolean escapes = false;
        for (int i = 0; i < text.length; i++) {
            phase = StringBody.next(phase, text[i] & 0xFF);
            if (phase == StringBody.INVALID) {
                return Optional.empty();
            }
            if (phase == StringBody.CLOSED) {
                String after = new String(text, i + 1, text.length - i - 1, StandardCharsets.ISO_8859_1);
                return Optional.of(new Kind(phase, characters, escapes, after));
            }
            escapes |= text[i] == '\\';
            characters += phase == StringBody.BOUNDARY ? 1 : 0;
        }
        return Optional.of(new Kind(phase, characters, escapes, ""));
    }

    /** Returns how many tokens there are. */
    public int size() {
        return size;
    }

    /** Returns the tokens that end an answer. */
    Set<Integer> endTokens() {
        return endTokens;
    }

    /** Returns the bytes of the longest token. */
    int longestToken() {
        return longestToken;
    }

    /** Returns the bytes of a token, none if it is never part of an answer's text. */
    byte[] bytes(int token) {
        return token < 0 || token >= size ? NOTHING : bytes[token];
    }

    /** Returns the kinds of tokens that can follow the beginning of a string, or of a character in it. */
    List<StringTokens> stringTokens() {
        return stringTokens;
    }

    /** Gives every token that may come in a state, skipping those that begin with what cannot. */
    void walk(State from, TokenConsumer consumer) {
        State[] path = new State[longestToken + 1];
        path[0] = from;
        for (int node = 0; node < depth.length;) {
            State after = path[depth[node] - 1].step(label[node] & 0xFF);
            if (after.isDead()) {
                node = skip[node];
            } else {
                path[depth[node]] = after;
                for (int i = firstToken[node]; i < firstToken[node + 1]; i++) {
                    consumer.accept(after, sorted[i]);
                }
                node++;
            }
        }
    }

    /** Gives the length of every token that a text has at a place. */
    void tokensAt(byte[] text, int from, int to, IntConsumer lengths) {
        int node = from < to ? roots[text[from] & 0xFF] : -1;
        for (int at = from + 1; node >= 0; at++) {
            if (hasTokens(node)) {
                lengths.accept(at - from);
            }
            node = at < to ? child(node, text[at]) : -1;
        }
    }

    /**
     * Returns the tokens of a text: marks as what they are, and what is between them as a tokenizer writes it.
     *
     * @param text      its last character may not be complete; that is left out
     * @param tokenizer gives the tokens of a text
     */
    int[] tokens(byte[] text, Function<String, int[]> tokenizer) {
        IntStream.Builder tokens = IntStream.builder();
        int from = 0;
        for (int at = 0; at <= text.length; at++) {
            boolean isMark = at < text.length && (text[at] & 0xFF) >= FIRST_MARK;
            if ((isMark || at == text.length) && from < at) {
                String between = characters(Arrays.copyOfRange(text, from, at));
                int[] found = between.isEmpty() ? new int[0] : tokenizer.apply(between);
                Arrays.stream(found).forEach(tokens::add);
                if (found.length == 0) {
                    break; // and nothing behind it can be told
                }
            }
            if (isMark) {
                tokens.add(sorted[firstToken[roots[text[at] & 0xFF]]]);
                from = at + 1;
            }
        }
        return tokens.build().toArray();
    }

    /** Returns the characters of UTF-8 that are complete. */
    private static String characters(byte[] bytes) {
        int last = bytes.length - 1;
        while (last > 0 && (bytes[last] & 0xC0) == 0x80) {
            last--;
        }
        int length = Math.max(1, Integer.numberOfLeadingZeros(~(bytes[last] << 3 * Byte.SIZE)));
        boolean isWhole = last + length == bytes.length;
        return new String(bytes, 0, isWhole ? bytes.length : last, StandardCharsets.UTF_8);
    }

    /**
     * Whether some token begins with a part of a text, goes beyond it, and may come.
     *
     * @param from  where the part begins; it ends with the text
     * @param after the state behind the text
     */
    boolean hasTokenBeyond(byte[] text, int from, State after) {
        int node = roots[text[from] & 0xFF];
        for (int at = from + 1; at < text.length && node >= 0; at++) {
            node = child(node, text[at]);
        }
        return node >= 0 && hasTokenBelow(node, after);
    }

    private boolean hasTokenBelow(int parent, State state) {
        for (int node = parent + 1; node < skip[parent]; node = skip[node]) {
            State after = state.step(label[node] & 0xFF);
            if (!after.isDead() && (hasTokens(node) || hasTokenBelow(node, after))) {
                return true;
            }
        }
        return false;
    }

    private int child(int parent, byte value) {
        for (int node = parent + 1; node < skip[parent]; node = skip[node]) {
            if (label[node] == value) {
                return node;
            }
        }
        return -1;
    }
}
