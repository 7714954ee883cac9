// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

import java.util.Arrays;
import java.util.List;

/**
 * A weight as the files hold it: a whole tensor, or the rows of one that makes several weights. Where a tensor has more
 * dimensions than the weight, the last ones are a <em>slice</em> of {@code (height, width)}, one of several.
 *
 * @param tensor     name of the tensor
 * @param shape      shape of the whole tensor, the slowest dimension first
 * @param slice      which slice, 0 if there is one
 * @param height     rows of a slice; the length of a vector
 * @param width      columns of a slice; 1 for a vector
 * @param transposed whether the weight's rows are the columns of the slice, as GPT-2 stores them
 * @param first      first row of the weight in the slice, after it was transposed
 * @param rows       rows of the weight, at least 1
 * @param step       distance of its rows in the slice, 1 for neighbours
 */
public record TensorPart(String tensor, List<Long> shape, int slice, int height, int width, boolean transposed,
        int first, int rows, int step) {

    public TensorPart {
        shape = List.copyOf(shape);
        if (first < 0 || rows < 1 || step < 1
                || first + (rows - 1L) * step >= (transposed ? width : height)) {
            throw new IllegalArgumentException("rows " + first + ", " + (first + step) + ".. (" + rows + ") of "
                    + tensor + " of shape " + shape);
        }
    }

    /** Returns a whole matrix, {@code (rows, columns)}. */
    public static TensorPart matrix(String tensor, int rows, int columns) {
        return new TensorPart(tensor, List.of((long) rows, (long) columns), 0, rows, columns, false, 0, rows, 1);
    }

    /** Returns a matrix {@code (rows, columns)} that is stored {@code (columns, rows)}. */
    public static TensorPart transposed(String tensor, int rows, int columns) {
        return new TensorPart(tensor, List.of((long) columns, (long) rows), 0, columns, rows, true, 0, rows, 1);
    }

    /** Returns a whole vector. */
    public static TensorPart vector(String tensor, int length) {
        return new TensorPart(tensor, List.of((long) length), 0, length, 1, false, 0, length, 1);
    }

    /**
     * Returns one of several matrices {@code (rows, columns)} of a tensor.
     *
     * @param count      how many there are
     * @param transposed whether they are stored {@code (columns, rows)}
     */
    public static TensorPart matrixOf(String tensor, int index, int count, int rows, int columns, boolean transposed) {
        int height = transposed ? columns : rows;
        int width = transposed ? rows : columns;
        return new TensorPart(tensor, List.of((long) count, (long) height, (long) width), index, height, width,
                transposed, 0, rows, 1);
    }

    /** Returns one of several vectors of a tensor. */
    public static TensorPart vectorOf(String tensor, int index, int count, int length) {
        return new TensorPart(tensor, List.of((long) count, (long) length), index, length, 1, false, 0, length, 1);
    }

    /** Returns every second row of this weight, from {@code from} on. */
    public TensorPart everySecondRow(int from) {
        return new TensorPart(tensor, shape, slice, height, width, transposed, first + from * step, rows / 2, 2 * step);
    }

    /** Returns this weight's rows from {@code from} on. */
    public TensorPart rows(int from, int count) {
        return new TensorPart(tensor, shape, slice, height, width, transposed, first + from * step, count, step);
    }

    /** Returns the values of a row of the weight; 1 for a vector, whose rows are its values. */
    public int columns() {
        return transposed ? height : width;
    }

    /** Whether the weight lies in the tensor as it is, row after row. */
    public boolean isContiguous() {
        return !transposed && step == 1;
    }

    /** Returns the shape for messages, for instance {@code [256, 64]}. */
    String shapeText() {
        return Arrays.toString(shape.toArray());
    }
}
