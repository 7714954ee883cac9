// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.weight.WeightFormat;

/**
 * Products that are calculated by one for rows of prompts and by another for all other rows.
 *
 * @param decoded    for rows of tokens that were generated or guessed, and for logits
 * @param forPrompts for the other rows of prompts
 */
public record SplitProducts(MatrixProducts decoded, MatrixProducts forPrompts) implements MatrixProducts {

    @Override
    public String description() {
        return decoded.description() + "; prompts: " + forPrompts.description();
    }

    @Override
    public Set<WeightFormat> formats() {
        Set<WeightFormat> formats = EnumSet.copyOf(decoded.formats());
        formats.retainAll(forPrompts.formats());
        return formats;
    }

    @Override
    public MatrixProducts forPrompts(Set<WeightFormat> formats) {
        return forPrompts;
    }

    @Override
    public boolean areSameForAnyRows() {
        return decoded.areSameForAnyRows();
    }

    @Override
    public void multiply(Rows input, List<Product> products) {
        decoded.multiply(input, products);
    }

    @Override
    public void close() {
        decoded.close();
        forPrompts.close();
    }
}
