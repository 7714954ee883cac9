// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.regex.Matcher;
import java.util.stream.IntStream;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

import io.github.chaijlama.constrain.Vocabulary;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;

/**
 * Turns text into tokens, with the Hugging Face tokenizer library, and tokens into text. Thread-safe.
 *
 * <p>Text can never become a control token. The library recognises {@code <|end|>} wherever it stands, and cannot be
 * told not to; so the tokenizer it is given here knows none by their names, and a prompt is cut at those that its
 * template wrote. For text without such sequences the result is the library's own.
 */
public final class TextTokenizer implements AutoCloseable {
    /** Bytes of whitespace that a template may write after a mark. */
    private static final int MOST_WHITESPACE = 16;

    private final HuggingFaceTokenizer first;
    private final HuggingFaceTokenizer inner;
    private final ControlTokens controlTokens;
    private final TokenBytes bytes;
    private final SpecialTokens specialTokens;
    private final Thoughts thoughts;
    private final OptionalInt bosToken;
    private final Set<Integer> endTokens;
    /** The library frees its memory without a look at who is using it. */
    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final int vocabularySize;
    /** Made when it is first needed; making it again would give the same. */
    private volatile @Nullable Vocabulary vocabulary;
    private volatile int @Nullable [] words;
    private boolean closed;

    TextTokenizer(TokenizerFiles files, ModelConfig config) {
        this.controlTokens = ControlTokens.of(files);
        this.bytes = TokenBytes.of(files, controlTokens.withoutText());
        this.specialTokens = SpecialTokens.of(files);
        this.thoughts = new Thoughts(files);
        this.bosToken = bosToken(specialTokens, files, config);
        this.endTokens = endTokens(files, config, thoughts);
        this.vocabularySize = config.vocabularySize();
        this.first = library(controlTokens.hiddenIn(files.tokenizer(), false), files.directory());
        this.inner = marksFirstOnly(files.tokenizer())
                ? library(controlTokens.hiddenIn(files.tokenizer(), true), files.directory())
                : first;
    }

    /**
     * Loads the tokenizer of a model.
     *
     * @param directory holds tokenizer.json and, usually, tokenizer_config.json
     * @param config    the model's configuration
     * @throws ModelLoadException if it is missing, broken, or not supported
     */
    public static TextTokenizer load(Path directory, ModelConfig config) {
        return new TextTokenizer(TokenizerFiles.read(directory), config);
    }

    /** Returns the tokens of plain text: no control tokens, no beginning of sequence. */
    public int[] encode(String text) {
        return encode(first, text);
    }

    /**
     * Returns the tokens of a text of its own: the text, and around it what the tokenizer's post-processor puts there,
     * in most models the beginning of sequence or nothing.
     */
    public int[] encodePrompt(String text) {
        return IntStream.concat(Arrays.stream(encodeBeginning(text)),
                specialTokens.after().stream().mapToInt(Integer::intValue)).toArray();
    }

    /** Returns the tokens of {@link #encodePrompt(String)} without those after the text, which goes on. */
    public int[] encodeBeginning(String text) {
        return IntStream.concat(specialTokens.before().stream().mapToInt(Integer::intValue),
                Arrays.stream(encode(text))).toArray();
    }

    /**
     * Returns the tokens of a rendered conversation: control tokens where the template wrote them, plain text between
     * them, and nothing else. Whether it begins with a beginning of sequence is the template's affair.
     */
    public int[] encodePrompt(RenderedPrompt prompt) {
        IntStream.Builder tokens = IntStream.builder();
        String text = prompt.guardedText();
        int from = 0;
        Matcher matcher = controlTokens.matcher(text);
        while (matcher.find()) {
            ControlToken control = controlTokens.get(matcher.group());
            int end = control.stripLeft() ? skipWhitespaceBack(text, from, matcher.start()) : matcher.start();
            addText(tokens, prompt, from, end);
            tokens.add(control.id());
            from = control.stripRight() ? skipWhitespace(text, matcher.end()) : matcher.end();
            matcher.region(from, text.length());
        }
        addText(tokens, prompt, from, text.length());
        return tokens.build().toArray();
    }

    private void addText(IntStream.Builder tokens, RenderedPrompt prompt, int from, int end) {
        if (from < end) {
            String text = prompt.unguard(prompt.guardedText().substring(from, end));
            Arrays.stream(encode(from == 0 ? first : inner, text)).forEach(tokens::add);
        }
    }

    private static int skipWhitespace(String text, int from) {
        int at = from;
        while (at < text.length() && isWhitespace(text.charAt(at))) {
            at++;
        }
        return at;
    }

    private static int skipWhitespaceBack(String text, int from, int end) {
        int at = end;
        while (at > from && isWhitespace(text.charAt(at - 1))) {
            at--;
        }
        return at;
    }

    /** Unicode's White_Space property, which is what the library strips. */
    private static boolean isWhitespace(char character) {
        return Character.isSpaceChar(character) || character >= '\t' && character <= '\r' || character == '\u0085';
    }

    private int[] encode(HuggingFaceTokenizer library, String text) {
        if (text.isEmpty()) {
            return new int[0];
        }
        // Half a surrogate pair is not text; the library would refuse the whole string for it.
        String valid = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
        lock.readLock().lock();
        try {
            if (closed) {
                throw new IllegalStateException("the model is closed");
            }
            long[] ids = library.encode(valid, false, false).getIds();
            return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
        } finally {
            lock.readLock().unlock();
        }
    }

    /** Returns the text of tokens; control tokens have none. */
    public String decode(int... tokens) {
        StreamingTextDecoder decoder = newDecoder(true);
        StringBuilder text = new StringBuilder();
        for (int token : tokens) {
            text.append(decoder.next(token));
        }
        return text.append(decoder.finish()).toString();
    }

    /**
     * Returns a decoder for an answer.
     *
     * @param startOfText whether the answer is a text of its own, not the continuation of one
     */
    public StreamingTextDecoder newDecoder(boolean startOfText) {
        return new StreamingTextDecoder(bytes, startOfText);
    }

    /** Whether a token ends an answer. */
    public boolean isEndToken(int token) {
        return endTokens.contains(token);
    }

    /** Returns the tokens that end an answer. */
    public Set<Integer> endTokens() {
        return endTokens;
    }

    /** Returns the token that stands for the beginning of a sequence, if there is one, whoever writes it. */
    public OptionalInt bosToken() {
        return bosToken;
    }

    /**
     * Returns the tokens as answers that are held to a schema need them. In vocabularies that put a space before the
     * first word of a text, that space is among an answer's bytes, and not in its text; JSON is the same with and
     * without.
     *
     * @throws UnsupportedOperationException if the vocabulary does not allow it, because some byte is no token of its
     *                                       own
     */
    public Vocabulary vocabulary() {
        Vocabulary made = vocabulary;
        if (made == null) {
            made = new Vocabulary(vocabularySize, bytes::of, controlTokens.ids(), endTokens,
                    thoughts.formTokens());
            vocabulary = made;
        }
        return made;
    }

    /** Returns the same number for tokens of the same text, with a space before it and without. */
    int word(int token) {
        int[] made = words;
        if (made == null) {
            made = bytes.words();
            words = made;
        }
        return token < made.length ? made[token] : token;
    }

    /** Returns how the model tells what it thinks from what it answers. */
    Thoughts thoughts() {
        return thoughts;
    }

    /** Returns the tokens of a mark around thinking, one where the tokenizer has it as one. */
    List<Integer> encodeMark(String mark) {
        return thoughts.encode(mark, this);
    }

    /** Returns the tokens of plain text that other text stands before. */
    List<Integer> encodeInside(String text) {
        return Arrays.stream(encode(inner, text)).boxed().toList();
    }

    /**
     * Returns the tokens of a text in the midst of another; none if the tokenizer writes it in no way of its own. Some
     * put a space before every text they are given, so that it must be shown behind another.
     */
    int[] encodeWithin(String text) {
        byte[] wanted = text.getBytes(StandardCharsets.UTF_8);
        int[] tokens = encode(inner, text);
        if (spells(tokens, 0, wanted)) {
            return tokens;
        }
        int[] behind = encode(inner, "\n" + text);
        for (int from = 1; from < Math.min(3, behind.length); from++) {
            if (spells(behind, from, wanted)) {
                return Arrays.copyOfRange(behind, from, behind.length);
            }
        }
        return new int[0];
    }

    private boolean spells(int[] tokens, int from, byte[] text) {
        int at = 0;
        for (int i = from; i < tokens.length; i++) {
            byte[] token = bytes.of(tokens[i]);
            if (at + token.length > text.length
                    || !Arrays.equals(token, 0, token.length, text, at, at + token.length)) {
                return false;
            }
            at += token.length;
        }
        return at == text.length;
    }

    /**
     * Whether a prompt ends with a text, whitespace aside. Only tokens that have a text are looked at: what a message
     * says at its end stands before a control token.
     */
    boolean endsWith(int[] prompt, String text) {
        int from = prompt.length;
        int length = 0;
        while (from > 0 && length < text.length() + MOST_WHITESPACE && bytes.of(prompt[from - 1]).length > 0) {
            length += bytes.of(prompt[--from]).length;
        }
        return decode(Arrays.copyOfRange(prompt, from, prompt.length)).stripTrailing().endsWith(text);
    }

    /** Returns the tokens that templates write to steer the model. */
    ControlTokens controlTokens() {
        return controlTokens;
    }

    /**
     * Which token that is the tokenizer knows better than config.json, which in some models names the end of a
     * sequence.
     */
    private static OptionalInt bosToken(SpecialTokens added, TokenizerFiles files, ModelConfig config) {
        return added.before().stream().findFirst().or(() -> files.namedTokenId("bos_token"))
                .map(OptionalInt::of).orElseGet(() -> files.config().isEmpty() ? config.bosToken()
                        : OptionalInt.empty());
    }

    private static Set<Integer> endTokens(TokenizerFiles files, ModelConfig config, Thoughts thoughts) {
        Set<Integer> tokens = new LinkedHashSet<>(config.eosTokens());
        tokens.addAll(thoughts.endTokens(files));
        files.namedTokenId("eos_token").ifPresent(tokens::add);
        return Set.copyOf(tokens);
    }

    private static boolean marksFirstOnly(JsonNode tokenizer) {
        return tokenizer.path("pre_tokenizer").findValuesAsText("prepend_scheme").contains("first");
    }

    private static HuggingFaceTokenizer library(String json, Path directory) {
        TokenizerLibrary.configure();
        try {
            return HuggingFaceTokenizer.newInstance(
                    new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)),
                    Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false"));
        } catch (EngineException e) {
            throw new ModelLoadException(TokenizerLibrary.notLoaded(e), e);
        } catch (IOException | RuntimeException e) {
            throw new ModelLoadException(
                    directory.resolve("tokenizer.json") + " cannot be used: " + e.getMessage(), e);
        } catch (LinkageError e) {
            throw new ModelLoadException("the tokenizer library does not run on this machine: " + e.getMessage(), e);
        }
    }

    /** Waits for texts that are being encoded, then frees everything. */
    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            closed = true;
            first.close();
            inner.close();
        } finally {
            lock.writeLock().unlock();
        }
    }
}
