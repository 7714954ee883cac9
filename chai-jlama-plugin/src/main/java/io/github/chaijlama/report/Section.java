// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;

/**
 * A part of a report under its own heading. Immutable.
 *
 * @param title  its heading
 * @param text   what the reader has to know before the figures, empty for none
 * @param blocks its figures and tables, in order
 */
public record Section(String title, String text, List<Block> blocks) {

    public Section {
        blocks = List.copyOf(blocks);
    }
}
