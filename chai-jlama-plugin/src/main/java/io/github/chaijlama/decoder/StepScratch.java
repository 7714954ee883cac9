// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.stream.Stream;

/** Memory for the rows of a step on their way through the layers, of one step at a time. */
final class StepScratch implements AutoCloseable {
    final RowBuffer hidden = new RowBuffer();
    final RowBuffer embedded = new RowBuffer();
    final RowBuffer layerInputs = new RowBuffer();
    final RowBuffer layerProjections = new RowBuffer();
    final RowBuffer normed = new RowBuffer();
    final RowBuffer change = new RowBuffer();
    final RowBuffer queries = new RowBuffer();
    final RowBuffer keys = new RowBuffer();
    final RowBuffer values = new RowBuffer();
    final RowBuffer attended = new RowBuffer();
    final RowBuffer gate = new RowBuffer();
    final RowBuffer up = new RowBuffer();
    final RowBuffer routing = new RowBuffer();
    final RowBuffer expertInput = new RowBuffer();
    final RowBuffer expertOutput = new RowBuffer();
    final RowBuffer expertNormed = new RowBuffer();
    final RowBuffer branchInput = new RowBuffer();
    final RowBuffer branchOutput = new RowBuffer();
    final RowBuffer last = new RowBuffer();
    final RowBuffer logits = new RowBuffer();

    @Override
    public void close() {
        Stream.of(hidden, embedded, layerInputs, layerProjections, normed, change, queries, keys, values, attended,
                gate,
                up, routing, expertInput, expertOutput, expertNormed,
                branchInput, branchOutput, last, logits).forEach(RowBuffer::close);
    }
}
