// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Function;

/**
 * The rows of a step that a layer can attend to in one go: all of them, unless a sequence decides which heads belong
 * together on the way. Then a part ends with the last row that this is decided from, and the next one needs fewer
 * heads.
 */
public final class AttentionPart {
    private final int firstRow;
    private final int rows;
    private final List<Slice> slices;

    /**
     * The rows of one sequence in a part.
     *
     * @param plan      which heads they need
     * @param firstRow  first of them in the step
     * @param position  position of the first one in the sequence
     * @param undecided whether membership will be decided from them
     */
    record Slice(AttentionSequence sequence, HeadPlan plan, int firstRow, int rows, int position, boolean undecided) {}

    private AttentionPart(int firstRow, int rows, List<Slice> slices) {
        this.firstRow = firstRow;
        this.rows = rows;
        this.slices = slices;
    }

    /**
     * Returns the part of a step that begins with a row.
     *
     * @param sequences the rows of the step, in order
     */
    static AttentionPart from(int firstRow, List<SequenceRows> sequences, int layer) {
        List<Slice> slices = new ArrayList<>(sequences.size());
        int end = firstRow;
        for (SequenceRows rows : sequences) {
            int skipped = Math.max(0, firstRow - rows.firstRow());
            int left = rows.rows() - skipped;
            if (left <= 0) {
                continue;
            }
            int position = rows.position() + skipped;
            SequenceMembership membership = rows.sequence().membership();
            int undecided = membership.undecidedRows(layer, position, left);
            int count = undecided == 0 ? left : undecided;
            slices.add(new Slice(rows.sequence(), membership.plan(layer), rows.firstRow() + skipped, count,
                    position, undecided > 0));
            end = rows.firstRow() + skipped + count;
            if (count < left) {
                break;
            }
        }
        return new AttentionPart(firstRow, end - firstRow, slices);
    }

    /** Returns the first row of the part in the step. */
    public int firstRow() {
        return firstRow;
    }

    /** Returns the number of rows. */
    public int rows() {
        return rows;
    }

    /**
     * Returns the position in its sequence of a row of the part.
     *
     * @param row 0 for the part's first row
     */
    public int position(int row) {
        Slice slice = slice(row);
        return slice.position() + firstRow + row - slice.firstRow();
    }

    /**
     * Whether a row is of a sequence that is turned by the angles of long ones.
     *
     * @param row 0 for the part's first row
     */
    public boolean isStretched(int row) {
        return slice(row).sequence().isStretched();
    }

    private Slice slice(int row) {
        for (Slice slice : slices) {
            if (firstRow + row - slice.firstRow() < slice.rows()) {
                return slice;
            }
        }
        throw new IndexOutOfBoundsException("row " + row + " of a part of " + rows);
    }

    /** Returns the query heads that some row needs. */
    public List<HeadRun> queryRuns() {
        return union(HeadPlan::queryRuns);
    }

    /** Returns the KV heads whose keys some row needs; values are needed of all. */
    public List<HeadRun> keyRuns() {
        return union(HeadPlan::keyRuns);
    }

    private List<HeadRun> union(Function<HeadPlan, List<HeadRun>> runs) {
        List<HeadRun> first = runs.apply(slices.getFirst().plan());
        if (slices.stream().allMatch(slice -> runs.apply(slice.plan()).equals(first))) {
            return first;
        }
        BitSet heads = new BitSet();
        for (Slice slice : slices) {
            runs.apply(slice.plan()).forEach(run -> heads.set(run.first(), run.first() + run.count()));
        }
        return HeadRun.of(heads.stream().toArray());
    }

    List<Slice> slices() {
        return slices;
    }
}
