// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.util.List;
import java.util.Set;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.product.MatrixProducts;
import io.github.chaijlama.weight.WeightFormat;

/**
 * Products that tell a {@link StepClock} how long they take and what they are.
 *
 * @param timed calculates them
 */
public record TimedProducts(MatrixProducts timed, StepClock clock) implements MatrixProducts {

    @Override
    public String description() {
        return timed.description();
    }

    @Override
    public Set<WeightFormat> formats() {
        return timed.formats();
    }

    @Override
    public boolean areSameForAnyRows() {
        return timed.areSameForAnyRows();
    }

    @Override
    public MatrixProducts forPrompts(Set<WeightFormat> formats) {
        MatrixProducts other = timed.forPrompts(formats);
        return other.equals(timed) ? this : new TimedProducts(other, clock);
    }

    @Override
    public void multiply(Rows input, List<Product> products) {
        long start = System.nanoTime();
        timed.multiply(input, products);
        clock.products(System.nanoTime() - start);
        products.forEach(product -> clock.product(input.count(), product.weight(), product.rows()));
    }

    @Override
    public void close() {
        timed.close();
    }
}
