// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.constrain;

/** The shortest answer that a schema allows has more tokens than the answer may have. */
public final class TokenBudgetException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final int minimumTokens;
    private final int maxTokens;

    TokenBudgetException(int minimumTokens, int maxTokens) {
        super("the shortest answer for this schema has " + minimumTokens + " tokens, the answer may have " + maxTokens);
        this.minimumTokens = minimumTokens;
        this.maxTokens = maxTokens;
    }

    /** Returns how many tokens the shortest answer has. */
    public int minimumTokens() {
        return minimumTokens;
    }

    /** Returns how many tokens the answer may have. */
    public int maxTokens() {
        return maxTokens;
    }
}
