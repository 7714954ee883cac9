// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

import java.util.Arrays;
import java.util.function.Function;

/**
 * Holds one answer to a schema, token by token: a token may come only if the answer can still be completed, with what
 * is left of its tokens. So when as many tokens are left as the shortest ending has, only endings of that length may
 * come, and the answer is always complete. One instance per answer, not thread-safe.
 */
public final class TokenConstraint {
    private final JsonConstraint constraint;
    private final Vocabulary vocabulary;
    private final WhitespaceStyle style = new WhitespaceStyle();
    private State state;
    private int left;

    TokenConstraint(JsonConstraint constraint, State state, int maxTokens) {
        this.constraint = constraint;
        this.vocabulary = constraint.vocabulary();
        this.state = state;
        this.left = maxTokens;
    }

    /** Whether a token may come next. An end token may where the answer is complete. */
    public boolean allows(int token) {
        if (vocabulary.endTokens().contains(token)) {
            return isComplete();
        }
        byte[] bytes = vocabulary.bytes(token);
        if (bytes.length == 0 || left == 0) {
            return false;
        }
        State after = state.step(bytes);
        return !after.isDead() && after.minimumTokens(vocabulary) <= left - 1;
    }

    /**
     * Sets the logits of tokens that may not come next to negative infinity.
     *
     * @param logits {@code (vocabularySize)}; may be longer than the vocabulary, as models' outputs are
     */
    public void mask(float[] logits) {
        float[] ends = new float[vocabulary.endTokens().size()];
        int at = 0;
        for (int token : vocabulary.endTokens()) {
            ends[at++] = token < logits.length ? logits[token] : 0;
        }
        if (left == 0) {
            Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        } else {
            keep(state.nextTokens(vocabulary).within(left - 1, vocabulary), logits);
        }
        at = 0;
        for (int token : vocabulary.endTokens()) {
            if (token < logits.length && isComplete()) {
                logits[token] = ends[at];
            }
            at++;
        }
    }

    private static void keep(long[] allowed, float[] logits) {
        for (int from = 0; from < logits.length; from += Long.SIZE) {
            int to = Math.min(logits.length, from + Long.SIZE);
            long word = from / Long.SIZE < allowed.length ? allowed[from / Long.SIZE] : 0;
            if (word == 0) {
                Arrays.fill(logits, from, to, Float.NEGATIVE_INFINITY);
            } else if (word != -1) {
                for (int token = from; token < to; token++) {
                    if ((word >>> token & 1) == 0) {
                        logits[token] = Float.NEGATIVE_INFINITY;
                    }
                }
            }
        }
    }

    /**
     * Notes the next token of the answer.
     *
     * @throws IllegalArgumentException if it may not come
     */
    public void accept(int token) {
        if (!allows(token)) {
            throw new IllegalArgumentException(
                    "token " + token + " cannot come here: the answer would not fit the schema");
        }
        byte[] bytes = vocabulary.bytes(token);
        if (bytes.length > 0) {
            for (byte value : bytes) {
                style.next(value);
            }
            state = constraint.current(state.step(bytes));
            left--;
        }
    }

    /**
     * Tokens that spell the text which comes next because the schema leaves no other.
     *
     * @param tokens  the tokens
     * @param certain how many of them, the first ones, need not be chosen
     */
    public record NextText(int[] tokens, int certain) {}

    /**
     * Returns the text that comes next whatever a model says: the schema leaves no other, and no other whitespace once
     * the answer has shown how it sets its own. Certain are as many tokens of it as the answer has room for, and as are
     * the same whatever comes behind the text: a token whose text may be the beginning of a longer one is left to
     * whoever chooses, so that a space can be part of the word that it precedes.
     *
     * @param tokenizer gives the tokens of a text that stands within another, none if it has none of its own for it
     */
    public NextText nextText(Function<String, int[]> tokenizer) {
        CertainText next = CertainText.of(state, style);
        byte[] text = next.text();
        int[] tokens = text.length == 0 ? new int[0] : vocabulary.tokens(text, tokenizer);
        return new NextText(tokens, certain(tokens, text, next.after()));
    }

    private int certain(int[] tokens, byte[] text, State after) {
        State at = state;
        int from = 0;
        for (int i = 0; i < tokens.length; i++) {
            byte[] bytes = vocabulary.bytes(tokens[i]);
            boolean fits = bytes.length > 0 && from + bytes.length <= text.length
                    && Arrays.equals(bytes, 0, bytes.length, text, from, from + bytes.length);
            if (!fits || vocabulary.hasTokenBeyond(text, from, after)) {
                return i;
            }
            at = at.step(bytes);
            if (at.minimumTokens(vocabulary) > left - i - 1) {
                return i;
            }
            from += bytes.length;
        }
        return tokens.length;
    }

    /** Returns how many of some tokens, the first ones, may come one after another. */
    public int allowed(int... tokens) {
        State at = state;
        for (int i = 0; i < tokens.length; i++) {
            byte[] bytes = vocabulary.bytes(tokens[i]);
            if (bytes.length == 0) {
                return i;
            }
            at = at.step(bytes);
            if (at.isDead() || at.minimumTokens(vocabulary) > left - i - 1) {
                return i;
            }
        }
        return tokens.length;
    }

    /** Whether the answer so far is a value of the schema: it may end here. */
    public boolean isComplete() {
        return state.isComplete();
    }

    /** Whether the answer must end here: it is complete, and no token may come any more. */
    public boolean isFinished() {
        return state.isComplete() && (left == 0 || state.isFinished());
    }

    /** Returns how many more tokens the shortest ending has, 0 if the answer is complete. */
    public int minimumTokens() {
        return state.minimumTokens(vocabulary);
    }

    /** Returns how many more tokens the answer may have. */
    public int tokensLeft() {
        return left;
    }
}
