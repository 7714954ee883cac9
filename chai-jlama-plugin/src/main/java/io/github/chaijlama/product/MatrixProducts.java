// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.util.List;
import java.util.Set;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

/**
 * Multiplies rows of floats with weights, in parallel regions: nine tenths of a step's time and more. One call at a
 * time.
 */
public interface MatrixProducts extends AutoCloseable {

    /** Returns what multiplies, for logs. */
    String description();

    /** Returns the formats of weights that rows can be multiplied with here. */
    Set<WeightFormat> formats();

    /**
     * Calculates products of one input in one parallel region.
     *
     * @param input    {@code (row, inner)}
     * @param products what to calculate, with weights of as many columns as the input
     */
    void multiply(Rows input, List<Product> products);

    /**
     * Returns the products for rows of prompts. They may add up in another order than these do, but have one order too,
     * whatever the number of rows. These are for rows of tokens that were generated or guessed, and for logits. They
     * are closed with these.
     *
     * @param formats formats of the weights that rows are multiplied with
     */
    default MatrixProducts forPrompts(Set<WeightFormat> formats) {
        return this;
    }

    /** Whether the numbers of a row do not depend on how many rows are multiplied at once. */
    default boolean areSameForAnyRows() {
        return true;
    }

    /** Frees what products are calculated with; may be called again. */
    @Override
    default void close() {
        // nothing of its own
    }

    /**
     * A product to calculate: {@code result[i][j] = sum_k input[i][k] * weight[j][k]} for some rows {@code j} of the
     * weight; results land in the columns of the same numbers, and the other columns are left as they are.
     *
     * @param result   output, {@code (row, at least firstRow + rows)}, rows as of the input
     * @param weight   {@code (at least firstRow + rows, inner)}
     * @param firstRow first row of the weight
     * @param rows     number of rows, at least 1
     */
    record Product(Rows result, Weight weight, int firstRow, int rows) {

        /** Returns the product with all rows of a weight. */
        public static Product whole(Rows result, Weight weight) {
            return new Product(result, weight, 0, weight.rows());
        }
    }
}
