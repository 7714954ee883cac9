// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.util.List;
import java.util.stream.Stream;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.attention.HeadFeatures;
import io.github.chaijlama.attention.OutputComparison;
import io.github.chaijlama.cluster.HeadGram;
import io.github.chaijlama.cluster.OutputDistances;
import io.github.chaijlama.profile.ModelShape;
import io.github.chaijlama.weight.HeadColumns;

/** Runs texts through exact attention and looks at what each head does. */
record ExactRun(ChaiModel model) {

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
            session.observe(new HeadFeatures(products));
            if (!outputs.isEmpty()) {
                session.observe(new OutputComparison(outputs,
                        layer -> HeadColumns.products(model.outputProjection(layer), shape.headSize(layer))));
            }
            session.feed(text);
        }
        return products;
    }
}
