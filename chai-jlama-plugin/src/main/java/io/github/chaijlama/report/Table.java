// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.report;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A table. Immutable.
 *
 * @param caption    what it shows, empty for none
 * @param headers    one per column; the first column names the row
 * @param rows       cells as they are shown, as many in each row as there are headers
 * @param alignments one per column
 */
public record Table(String caption, List<String> headers, List<List<String>> rows, List<Alignment> alignments)
        implements
            Block {

    /** How the cells of a column stand. */
    public enum Alignment {
        /** Words, on the left. */
        TEXT,
        /** Numbers, on the right, digits below digits. */
        NUMBER
    }

    /** @throws IllegalArgumentException if a row or the alignments have another number of columns than the headers */
    public Table {
        headers = List.copyOf(headers);
        rows = rows.stream().map(List::copyOf).toList();
        alignments = List.copyOf(alignments);
        if (alignments.size() != headers.size()) {
            throw new IllegalArgumentException(
                    "a table of " + headers.size() + " columns has " + alignments.size() + " alignments");
        }
        for (int row = 0; row < rows.size(); row++) {
            if (rows.get(row).size() != headers.size()) {
                throw new IllegalArgumentException("row " + row + " has " + rows.get(row).size()
                        + " cells, the table has " + headers.size() + " columns");
            }
        }
    }

    /** Returns a table whose first column is text and whose others are numbers. */
    public static Table ofNumbers(String caption, List<String> headers, List<List<String>> rows) {
        List<Alignment> alignments = new ArrayList<>(
                Collections.nCopies(headers.size(), Alignment.NUMBER));
        alignments.set(0, Alignment.TEXT);
        return new Table(caption, headers, rows, alignments);
    }
}
