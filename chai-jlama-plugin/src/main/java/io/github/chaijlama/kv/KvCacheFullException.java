// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kv;

/**
 * A step needed more key/value memory than the budget has left. The step did not begin: its sequence is as
 * the step before left it, and can go on once other sequences have ended.
 */
public final class KvCacheFullException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long neededBytes;
    private final long freeBytes;
    private final long maxBytes;

    private final long heldBytes;
    private final int run;

    KvCacheFullException(long neededBytes, long heldBytes, long freeBytes, long maxBytes) {
        super("key/value cache is full: " + (heldBytes + neededBytes > maxBytes
                ? "this sequence needs " + (heldBytes + neededBytes) + " bytes, the budget is " + maxBytes
                : "this step needs " + neededBytes + " bytes more, " + freeBytes + " of " + maxBytes
                        + " are free; end other sequences or raise the budget"));
        this.heldBytes = heldBytes;
        this.neededBytes = neededBytes;
        this.freeBytes = freeBytes;
        this.maxBytes = maxBytes;
        this.run = 0;
    }

    /** Whether the sequence needs more than the whole budget, so that waiting for others does not help. */
    public boolean isBeyondBudget() {
        return heldBytes + neededBytes > maxBytes;
    }

    private KvCacheFullException(KvCacheFullException cause, int run) {
        super(cause.getMessage(), cause);
        this.heldBytes = cause.heldBytes;
        this.neededBytes = cause.neededBytes;
        this.freeBytes = cause.freeBytes;
        this.maxBytes = cause.maxBytes;
        this.run = run;
    }

    /** Returns this exception as that of a run of a step that several sequences share, 0 for the first. */
    public KvCacheFullException ofRun(int number) {
        return number == run ? this : new KvCacheFullException(this, number);
    }

    /** Returns which run of a step that several sequences share could not get its memory; 0 for the first. */
    public int run() {
        return run;
    }

    /** Returns the bytes the step needed beyond what its sequence already held. */
    public long neededBytes() {
        return neededBytes;
    }

    /** Returns the bytes that were free. */
    public long freeBytes() {
        return freeBytes;
    }

    /** Returns the budget in bytes. */
    public long maxBytes() {
        return maxBytes;
    }
}
