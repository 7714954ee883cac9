// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

/**
 * Chooses the tokens of a script where they may come, and then the end; elsewhere what another sampler chooses. What
 * comes without a choice may be in the script or not.
 */
final class Scripted implements Sampler {
    private final int[] script;
    private final int end;
    private final Sampler otherwise;
    private int at;

    Scripted(int[] script, int end, Sampler otherwise) {
        this.script = script;
        this.end = end;
        this.otherwise = otherwise;
    }

    private int next() {
        return at < script.length ? script[at] : end;
    }

    @Override
    public int sample(float[] logits) {
        int token = next();
        if (logits[token] == Float.NEGATIVE_INFINITY) {
            return otherwise.sample(logits);
        }
        at++;
        return token;
    }

    @Override
    public void skip(int token) {
        at += token == next() ? 1 : 0;
    }
}
