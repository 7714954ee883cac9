// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.regex.Matcher;
import java.util.stream.IntStream;

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
    private final HuggingFaceTokenizer first;
    private final HuggingFaceTokenizer inner;
    private final ControlTokens controlTokens;
    private final TokenBytes bytes;
    private final OptionalInt bosToken;
    private final Set<Integer> endTokens;
    /** The library frees its memory without a look at who is using it. */
    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final int vocabularySize;
    /** Made when it is first needed; making it again would give the same. */
    private volatile @Nullable Vocabulary vocabulary;
    private boolean closed;

    TextTokenizer(TokenizerFiles files, ModelConfig config) {
        this.controlTokens = ControlTokens.of(files);
        this.bytes = TokenBytes.of(files, controlTokens.withoutText());
        this.bosToken = bosToken(files, config);
        this.endTokens = endTokens(files, config);
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
     * Returns the tokens of a prompt in plain text: the beginning of sequence, where the model has one, and the text.
     */
    public int[] encodePrompt(String text) {
        int[] tokens = encode(text);
        return IntStream.concat(bosToken.stream(), Arrays.stream(tokens)).toArray();
    }

    /**
     * Returns the tokens of a rendered conversation: control tokens where the template wrote them, plain text between
     * them, and the beginning of sequence before it all where the model has one and the template did not write it.
     */
    public int[] encodePrompt(RenderedPrompt prompt) {
        IntStream.Builder tokens = IntStream.builder();
        String text = prompt.guardedText();
        int from = 0;
        boolean hasBos = false;
        Matcher matcher = controlTokens.matcher(text);
        while (matcher.find()) {
            ControlToken control = controlTokens.get(matcher.group());
            int end = control.stripLeft() ? skipWhitespaceBack(text, from, matcher.start()) : matcher.start();
            addText(tokens, prompt, from, end);
            hasBos |= bosToken.isPresent() && control.id() == bosToken.getAsInt();
            tokens.add(control.id());
            from = control.stripRight() ? skipWhitespace(text, matcher.end()) : matcher.end();
            matcher.region(from, text.length());
        }
        addText(tokens, prompt, from, text.length());
        int[] result = tokens.build().toArray();
        return hasBos ? result : IntStream.concat(bosToken.stream(), Arrays.stream(result)).toArray();
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

    /** Returns the token every prompt begins with, if there is one. */
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
            made = new Vocabulary(vocabularySize, bytes::of, controlTokens.ids(), endTokens);
            vocabulary = made;
        }
        return made;
    }

    /** Returns the tokens that templates write to steer the model. */
    ControlTokens controlTokens() {
        return controlTokens;
    }

    /**
     * A model with a beginning-of-sequence token expects it, unless its tokenizer says that it adds none. Which token
     * that is the tokenizer knows better than config.json, which in some models names the end of a sequence.
     */
    private static OptionalInt bosToken(TokenizerFiles files, ModelConfig config) {
        if (!addsBos(files)) {
            return OptionalInt.empty();
        }
        return firstSpecialToken(files.tokenizer().path("post_processor")).flatMap(files::tokenId)
                .or(() -> files.namedTokenId("bos_token")).map(OptionalInt::of).orElseGet(config::bosToken);
    }

    private static boolean addsBos(TokenizerFiles files) {
        JsonNode explicit = files.config().path("add_bos_token");
        if (explicit.isBoolean()) {
            return explicit.booleanValue();
        }
        JsonNode processor = files.tokenizer().path("post_processor");
        if (!processor.findValues("single").isEmpty()) {
            return firstSpecialToken(processor).isPresent();
        }
        // Without a post-processor most tokenizer classes put it there themselves; these do not.
        String tokenizerClass = files.config().path("tokenizer_class").asText();
        return !processor.isObject() && files.namedToken("bos_token").isPresent() && !tokenizerClass.startsWith("GPT2")
                && !tokenizerClass.startsWith("Qwen2");
    }

    /** Returns the name of the token that a post-processor puts before a text, if it puts one. */
    private static Optional<String> firstSpecialToken(JsonNode processor) {
        return processor.findValues("single").stream().findFirst()
                .map(template -> template.path(0).path("SpecialToken").path("id").textValue());
    }

    private static Set<Integer> endTokens(TokenizerFiles files, ModelConfig config) {
        Set<Integer> tokens = new LinkedHashSet<>(config.eosTokens());
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
