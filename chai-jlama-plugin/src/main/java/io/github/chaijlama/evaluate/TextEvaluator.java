// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.PromptSession;

/**
 * Measures arms against exact attention on texts. Texts are run through exact attention once for all arms of a call,
 * and what exact attention expects is kept for further calls as far as a budget allows; beyond it, it is calculated
 * again. Memory is bounded whatever the number and length of the texts: logits of a piece of a text at a time. Where an
 * arm decides its clusters at the end of the prompt, the first half of each text plays it, and all arms of the call are
 * measured on the second half only. Not thread-safe.
 *
 * <pre>{@code
 * TextEvaluator evaluator = new TextEvaluator(model, TextSet.read(...).texts(), TextEvaluator.DEFAULT_CACHE_BYTES);
 * TextResult result = evaluator.evaluate(List.of(new Arm("half", profile)), Progress.NONE).arms().getFirst();
 * }</pre>
 */
public final class TextEvaluator {
    /** Room for what exact attention expects of 60,000 tokens of a vocabulary of 1,000, or 2,000 of 32,000. */
    public static final long DEFAULT_CACHE_BYTES = 256L << 20;
    /** Logits of a piece of a text: of exact attention, as probabilities, and of one arm. */
    private static final int PIECE_BYTES = 16 << 20;
    private static final int MAX_PIECE = 256;

    private final ModelSequences sequences;
    private final List<int[]> texts;
    private final int pieceTokens;
    private final ExactCache cache;

    /**
     * Creates an evaluator.
     *
     * @param texts      tokens of each text, at least 2 and not beyond the model's context
     * @param cacheBytes budget for what exact attention expects, in bytes; 0 keeps nothing
     * @throws IllegalArgumentException if there is no text, or one has the wrong length
     */
    public TextEvaluator(ChaiModel model, List<int[]> texts, long cacheBytes) {
        this(ModelSequences.of(model), model.config().vocabularySize(), texts, cacheBytes);
        for (int[] text : texts) {
            if (text.length > model.config().contextLength()) {
                throw new IllegalArgumentException("a text has " + text.length + " tokens, the model's context holds "
                        + model.config().contextLength());
            }
        }
    }

    TextEvaluator(ModelSequences sequences, int vocabularySize, List<int[]> texts, long cacheBytes) {
        if (texts.isEmpty() || texts.stream().anyMatch(text -> text.length < 2)) {
            throw new IllegalArgumentException("there must be at least 1 text, all of at least 2 tokens");
        }
        this.sequences = sequences;
        this.texts = List.copyOf(texts);
        this.pieceTokens = Math.clamp(PIECE_BYTES / ((long) vocabularySize * Float.BYTES), 1, MAX_PIECE);
        this.cache = new ExactCache(cacheBytes);
    }

    /**
     * Measures arms.
     *
     * @param arms     what to compare with exact attention; may be empty
     * @param progress told of tokens done, all arms together
     * @throws io.github.chaijlama.profile.ProfileException if a profile was made for another model
     * @throws io.github.chaijlama.kv.KvCacheFullException  if keys and values of a text do not fit into the budget
     */
    public TextEvaluation evaluate(List<Arm> arms, Progress progress) {
        TextSums exact = new TextSums(Arm.EXACT);
        List<TextSums> sums = arms.stream().map(TextSums::new).toList();
        long total = texts.stream().mapToLong(text -> text.length).sum();
        long done = 0;
        long predicted = 0;
        boolean prompts = arms.stream().anyMatch(Arm::waitsForPrompt);
        for (int index = 0; index < texts.size(); index++) {
            int[] text = texts.get(index);
            int prompt = prompts ? Arm.promptOf(text.length) : 0;
            evaluate(index, prompt, arms, exact, sums);
            done += text.length;
            predicted += text.length - 1 - prompt;
            progress.report(done, total);
        }
        return new TextEvaluation(texts.size(), predicted, exact.result(exact),
                sums.stream().map(sum -> sum.result(exact)).toList());
    }

    private void evaluate(int index, int prompt, List<Arm> arms, TextSums exactSums, List<TextSums> armSums) {
        int[] text = texts.get(index);
        List<PromptSession> open = new ArrayList<>();
        try (ExactText exact = cache.open(index, () -> sequences.open(Arm.EXACT))) {
            for (Arm arm : arms) {
                open.add(sequences.open(arm));
            }
            TextLoss exactLoss = new TextLoss();
            List<TextLoss> armLosses = arms.stream().map(arm -> new TextLoss()).toList();
            for (int from = 0; from < text.length; from += pieceTokens) {
                int[] piece = Arrays.copyOfRange(text, from, Math.min(text.length, from + pieceTokens));
                // Behind the prompt, every token but the last predicts the one after itself.
                int first = Math.clamp(prompt - from, 0, piece.length);
                int end = Math.clamp(text.length - 1 - from, first, piece.length);
                Expectations expected = new Expectations(Arrays.copyOfRange(exact.feed(piece), first, end),
                        Arrays.copyOfRange(text, from + first + 1, from + end + 1));
                expected.compareWithItself(exactLoss);
                for (int arm = 0; arm < arms.size(); arm++) {
                    Distribution[] found = feed(open.get(arm), piece, prompt - from);
                    expected.compare(Arrays.copyOfRange(found, first, end), armLosses.get(arm));
                }
            }
            exactSums.add(exactLoss, text.length, exact.finish());
            for (int arm = 0; arm < arms.size(); arm++) {
                armSums.get(arm).add(armLosses.get(arm), text.length, open.get(arm).kvCacheBytes());
            }
        } finally {
            open.forEach(PromptSession::close);
        }
    }

    /**
     * Runs a piece.
     *
     * @param prompt tokens of the piece that belong to the prompt; it ends within the piece if they are between 0 and
     *               all of it
     */
    private static Distribution[] feed(PromptSession sequence, int[] piece, int prompt) {
        if (prompt <= 0 || prompt > piece.length) {
            return Distribution.of(sequence.feedAll(piece));
        }
        float[][] logits = Arrays.copyOf(sequence.feedAll(Arrays.copyOf(piece, prompt)), piece.length);
        sequence.endPrompt();
        if (prompt < piece.length) {
            float[][] rest = sequence.feedAll(Arrays.copyOfRange(piece, prompt, piece.length));
            System.arraycopy(rest, 0, logits, prompt, rest.length);
        }
        return Distribution.of(logits);
    }
}
