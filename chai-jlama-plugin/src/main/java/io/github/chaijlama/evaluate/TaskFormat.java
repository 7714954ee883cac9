// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/** What a line of a file of tasks looks like. */
public enum TaskFormat {
    /** Each line by its fields. */
    AUTO,
    /**
     * A conversation whose next message is asked for: {@code {"kind": .., "messages": [{"role": .., "text": ..}, ..],
     * "choices": [..], "answer": index, "text": "full right answer"}}; {@code kind} and {@code text} may be missing.
     */
    CHAT,
    /** PIQA: {@code goal, sol1, sol2}, and {@code label} or a file of labels; arXiv:1911.11641. */
    PIQA,
    /** HellaSwag: {@code activity_label, ctx_a, ctx_b, endings, label}; arXiv:1905.07830. */
    HELLASWAG,
    /** ARC-Easy and ARC-Challenge, as published or as on Hugging Face; arXiv:1803.05457. */
    ARC,
    /** BoolQ: {@code passage, question, answer} or {@code label}; arXiv:1905.10044. */
    BOOLQ
}
