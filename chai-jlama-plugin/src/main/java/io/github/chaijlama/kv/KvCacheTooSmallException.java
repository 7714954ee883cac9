// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kv;

/** The budget for keys and values is below what a model needs for a single token. */
public final class KvCacheTooSmallException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception.
     *
     * @param maxBytes the budget, in bytes
     * @param minBytes pages for one token, in bytes
     */
    public KvCacheTooSmallException(long maxBytes, long minBytes) {
        super("the first token of a sequence takes at least " + minBytes + " bytes of key/value pages, the budget is "
                + maxBytes);
    }
}
