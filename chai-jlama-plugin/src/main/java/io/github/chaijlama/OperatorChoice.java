// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.chaijlama.blas.BlasLibrary;
import io.github.chaijlama.jlama.JlamaProducts;
import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.BlasProducts;
import io.github.chaijlama.product.KernelProducts;
import io.github.chaijlama.product.MatrixProducts;
import io.github.chaijlama.product.ProductKernels;
import io.github.chaijlama.product.SplitProducts;

/** Chooses what calculates a model's matrix products. */
final class OperatorChoice {
    private static final Logger logger = LoggerFactory.getLogger(OperatorChoice.class);

    private OperatorChoice() {}

    /**
     * Returns products for a model; the caller closes them.
     *
     * @throws io.github.chaijlama.blas.BlasNotFoundException if a BLAS library is asked for and there is none
     */
    static MatrixProducts create(Operators operators, WorkerPool workers) {
        return switch (operators) {
            case JLAMA -> new JlamaProducts(workers);
            case VECTOR -> vector(workers);
            case BLAS -> {
                BlasLibrary library = BlasLibrary.get();
                yield new SplitProducts(vector(workers),
                        new BlasProducts(library, ProductKernels.ofThisMachine(), workers));
            }
            case AUTO -> create(JlamaProducts.runOnGpu() || !KernelProvider.usesVectors() ? Operators.JLAMA
                    : Operators.VECTOR, workers);
        };
    }

    private static MatrixProducts vector(WorkerPool workers) {
        if (!KernelProvider.usesVectors()) {
            logger.warn("Matrix products run as plain loops, many times slower: no usable Vector API");
        }
        return new KernelProducts(ProductKernels.ofThisMachine(), workers);
    }
}
