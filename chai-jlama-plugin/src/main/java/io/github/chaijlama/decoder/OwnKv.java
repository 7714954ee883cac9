// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.attention.AttentionPart;
import io.github.chaijlama.attention.HeadRun;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.HeadLayout;
import io.github.chaijlama.model.KvConfig;
import io.github.chaijlama.product.MatrixProducts.Product;
import io.github.chaijlama.weight.WeightSource;

/**
 * Where a layer gets its own keys and values from.
 *
 * @param value empty where values are what keys are made of
 */
record OwnKv(HeadLayout heads, Linear key, Optional<Linear> value, HeadNorm keyNorm, HeadNorm valueNorm,
        StepTools tools) {

    /** Creates that of a layer, nothing if it uses keys and values of another one. */
    static Optional<OwnKv> of(KvConfig config, HeadLayout heads, WeightSource weights, StepTools tools) {
        return switch (config) {
            case KvConfig.Own own -> Optional.of(new OwnKv(heads, Linear.of(own.key(), weights),
                    own.value().map(projection -> Linear.of(projection, weights)),
                    HeadNorm.of(own.keyNorm(), heads.numberOfKvHeads(), heads.headSize(), weights, tools),
                    HeadNorm.of(own.valueNorm(), heads.numberOfKvHeads(), heads.headSize(), weights, tools), tools));
            case KvConfig.OfLayer _ -> Optional.empty();
        };
    }

    /** Adds the products that make the keys of the heads that are needed, and all values. */
    void addProducts(AttentionPart part, Rows keys, Rows values, List<Product> products) {
        for (HeadRun run : keyHeads(part)) {
            products.add(new Product(keys, key.weight(), run.first() * heads.headSize(),
                    run.count() * heads.headSize()));
        }
        value.ifPresent(own -> products.add(Product.whole(values, own.weight())));
    }

    /** Adds biases, where there are some; values that have no product of their own are the keys so far. */
    void complete(AttentionPart part, Rows keys, Rows values) {
        key.addBias(keys, keyHeads(part), heads.headSize(), tools);
        value.ifPresentOrElse(own -> own.addBias(values, tools), () -> values.memory().copyFrom(keys.memory()));
    }

    private List<HeadRun> keyHeads(AttentionPart part) {
        return value.isEmpty() ? allHeads() : keyNorm.projected(part.keyRuns());
    }

    private List<HeadRun> allHeads() {
        return List.of(new HeadRun(0, heads.numberOfKvHeads()));
    }

    /** Norms keys and values, where the family does. */
    void norm(AttentionPart part, Rows keys, Rows values) {
        keyNorm.apply(keys, part.keyRuns());
        valueNorm.apply(values, allHeads());
    }
}
