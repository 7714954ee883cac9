// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

/** A sequence that knows where its prompt ends, and can be cut back. */
public interface PromptSession extends TokenSession {

    /**
     * Says that the tokens seen so far are the prompt and what follows is generated. A profile with
     * {@linkplain io.github.chaijlama.profile.Membership.Prompt PROMPT} membership decides its clusters now, and
     * sequences that are never told stay exact; if it is said again, nothing changes. With {@link Operators#BLAS}
     * tokens of a prompt are multiplied 64 at once, and fewer take as long: without this call every token does.
     *
     * @throws IllegalStateException if membership waits for the prompt, and no token has been seen
     */
    void endPrompt();

    /**
     * Forgets all tokens but the first ones: the sequence goes on from there as if the others had never been fed.
     *
     * @param newLength tokens to keep: 0, or at least those that clusters are decided from (offset and window)
     * @throws IllegalArgumentException if there are fewer tokens, clusters are decided from some that would be
     *                                  forgotten, or more are cut than a layer's sliding window is long and it has
     *                                  forgotten what it saw then
     */
    void truncate(int newLength);

    /**
     * Returns the bytes of the keys and values stored: over all layers, tokens times (K heads kept now + KV heads)
     * times the bytes of a head's row. Layers with a sliding window count only the tokens that they still have.
     */
    long kvCacheBytes();
}
