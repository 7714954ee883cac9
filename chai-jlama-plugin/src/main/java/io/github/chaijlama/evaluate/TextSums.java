// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

/** What is added up over texts for one arm. Not thread-safe. */
final class TextSums {
    private final Arm arm;
    private final RatioSums loss = new RatioSums();
    private final RatioSums difference = new RatioSums();
    private final RatioSums divergence = new RatioSums();
    private final RatioSums agreement = new RatioSums();
    private final KvCacheUse kvCache;

    TextSums(Arm arm) {
        this.arm = arm;
        this.kvCache = new KvCacheUse(arm);
    }

    void add(TextLoss text, int tokens, long bytes) {
        loss.add(text.loss(), text.predicted());
        difference.add(text.difference(), text.predicted());
        divergence.add(text.divergence(), text.predicted());
        agreement.add((double) text.agreed(), text.predicted());
        kvCache.add(tokens, bytes);
    }

    /** Returns the result, bytes in relation to those of exact attention. */
    TextResult result(TextSums exact) {
        return new TextResult(arm, loss.mean(), loss.mean().exp(), difference.mean(), difference.mean().expm1(),
                divergence.mean(), agreement.mean(), kvCache.bytes(), kvCache.relativeTo(exact.kvCache),
                kvCache.withoutClusters());
    }
}
