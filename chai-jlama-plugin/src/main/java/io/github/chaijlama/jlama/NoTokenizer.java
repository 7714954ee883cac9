// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;
import java.util.Optional;

import com.github.tjake.jlama.safetensors.prompt.PromptSupport;
import com.github.tjake.jlama.safetensors.tokenizer.Tokenizer;
import com.github.tjake.jlama.safetensors.tokenizer.TokenizerModel;

/**
 * Stands in Jlama's models where its tokenizer would: text is turned into tokens outside, so Jlama never parses one.
 */
final class NoTokenizer implements Tokenizer {

    @Override
    public List<String> tokenize(String sentence) {
        throw unsupported();
    }

    @Override
    public long[] encode(String sentence) {
        throw unsupported();
    }

    @Override
    public String decode(long id) {
        throw unsupported();
    }

    @Override
    public String decode(long[] ids) {
        throw unsupported();
    }

    @Override
    public Optional<PromptSupport> promptSupport() {
        return Optional.empty();
    }

    @Override
    public TokenizerModel getModel() {
        throw unsupported();
    }

    private static UnsupportedOperationException unsupported() {
        return new UnsupportedOperationException("this model was loaded without a tokenizer; feed it tokens");
    }
}
