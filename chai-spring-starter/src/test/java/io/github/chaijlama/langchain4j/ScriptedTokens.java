// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.Arrays;
import java.util.Optional;

import io.github.chaijlama.generate.Sampler;
import io.github.chaijlama.generate.TextTokenizer;

/** Chooses the tokens of a script, and then the end. What comes without a choice may be in the script or not. */
class ScriptedTokens implements Sampler {
    private final TextTokenizer tokenizer;
    private final Optional<Sampler> otherwise;
    private int[] tokens;
    private int at;

    /**
     * Begins a script.
     *
     * @param otherwise chooses where a token of it may not come; without one that is an error
     */
    ScriptedTokens(TextTokenizer tokenizer, int[] tokens, Optional<Sampler> otherwise) {
        this.tokenizer = tokenizer;
        this.tokens = tokens;
        this.otherwise = otherwise;
    }

    @Override
    public int sample(float[] logits) {
        int token = at < tokens.length ? tokens[at] : tokenizer.endTokens().iterator().next();
        if (logits[token] == Float.NEGATIVE_INFINITY) {
            return otherwise.orElseThrow(() -> new IllegalStateException(
                    "'" + tokenizer.decode(token) + "' may not come next in " + tokenizer.decode(tokens)))
                    .sample(logits);
        }
        at++;
        return token;
    }

    @Override
    public void skip(int token) {
        if (at < tokens.length && tokens[at] == token) {
            at++;
            return;
        }
        String rest = tokenizer.decode(Arrays.copyOfRange(tokens, Math.min(at, tokens.length), tokens.length));
        String text = tokenizer.decode(token);
        if (!text.isEmpty() && rest.startsWith(text)) { // the same text in other tokens
            tokens = tokenizer.encode(rest.substring(text.length()));
            at = 0;
        }
    }
}
