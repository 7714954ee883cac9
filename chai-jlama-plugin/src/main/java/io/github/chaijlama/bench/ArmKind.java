// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.Locale;

import io.github.chaijlama.AttentionMode;

/** The kinds of arms. */
public enum ArmKind {
    /** Jlama's own layers as langchain4j-jlama runs them if nobody says otherwise: it asks for 8-bit activations. */
    STOCK(AttentionMode.STOCK),
    /** Jlama's own layers with 32-bit activations, which all arms but {@link #STOCK} have. */
    STOCK_F32(AttentionMode.STOCK),
    /** Exact attention. */
    EXACT(AttentionMode.EXACT),
    /** Clustered attention. */
    CLUSTERED(AttentionMode.CLUSTERED);

    private final AttentionMode attention;

    ArmKind(AttentionMode attention) {
        this.attention = attention;
    }

    /** Returns the attention of these arms. */
    public AttentionMode attention() {
        return attention;
    }

    /** Whether Jlama's own layers compute it. */
    public boolean isStock() {
        return attention == AttentionMode.STOCK;
    }

    /** Returns the kind in the words of the command line, for instance {@code stock-f32}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
