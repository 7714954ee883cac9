// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.List;

/**
 * The few numbers a hurried reader is looking for, in large type. Immutable.
 *
 * @param figures the numbers with their names
 */
public record KeyFigures(List<Entry> figures) implements Block {

    public KeyFigures {
        figures = List.copyOf(figures);
    }
}
