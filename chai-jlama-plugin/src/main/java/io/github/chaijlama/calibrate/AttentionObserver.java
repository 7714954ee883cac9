// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;
import java.util.stream.Stream;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.profile.ModelShape;

/** Runs texts through exact attention and looks at what each head does. */
record AttentionObserver(ChaiModel model) {

    /**
     * Returns the inner products of the heads' attention probabilities over a text, one per layer, and adds up by how
     * much the outputs of attention differ.
     *
     * @param outputs where those distances are added up, one per layer; empty if nobody needs them
     */
    List<HeadGram> products(int[] text, List<OutputDistances> outputs) {
        ModelShape shape = model.config().shape();
        List<HeadGram> products = Stream.generate(() -> new HeadGram(shape.heads())).limit(shape.layers()).toList();
        try (ChaiSession session = model.newSession(AttentionMode.EXACT)) {
            session.observe(products);
            if (!outputs.isEmpty()) {
                session.observeOutputs(outputs);
            }
            session.feed(text);
        }
        return products;
    }
}
