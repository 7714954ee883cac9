// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import io.github.chaijlama.model.HeadLayout;

/** Heads of well-known models. */
public enum Shape {
    LLAMA_2_7B(32, 32, 128), MISTRAL_7B(32, 8, 128), LLAMA_3_2_1B(32, 8, 64);

    private final HeadLayout heads;

    Shape(int heads, int kvHeads, int headSize) {
        this.heads = new HeadLayout(heads, kvHeads, headSize);
    }

    HeadLayout heads() {
        return heads;
    }
}
