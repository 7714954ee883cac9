// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.util.List;
import java.util.Optional;

import io.github.chaijlama.blas.TestBlas;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts;

/** The operators that tests run on. The build runs those tagged {@code operators} once more, on Jlama's alone. */
public final class TestOperators {
    private static final Optional<Operators> ONLY = Optional.ofNullable(System.getProperty("chai.test.operators"))
            .map(Operators::valueOf);

    private TestOperators() {}

    /** Returns all operators that this machine has, or the ones that this run is about. */
    public static List<Operators> all() {
        return ONLY.map(List::of).orElse(TestBlas.exists() ? List.of(Operators.VECTOR, Operators.JLAMA, Operators.BLAS)
                : List.of(Operators.VECTOR, Operators.JLAMA));
    }

    /** Returns options for exact attention on operators. */
    public static ChaiOptions exact(Operators operators) {
        return ChaiOptions.exact().with(change -> change.operators(operators));
    }

    /** Returns options for exact attention on the operators that users get, or the ones that this run is about. */
    public static ChaiOptions exact() {
        return exact(ONLY.orElse(Operators.AUTO));
    }

    /** Returns the products that {@link #exact()} asks for. */
    public static MatrixProducts products(WorkerPool workers) {
        return products(exact().operators(), workers);
    }

    /** Returns products by operators. */
    public static MatrixProducts products(Operators operators, WorkerPool workers) {
        return OperatorChoice.create(operators, workers);
    }
}
