// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import io.github.chaijlama.kernel.RowKernels;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.product.MatrixProducts;

/**
 * What all parts of a model work with.
 *
 * @param products matrix products
 * @param kernels  what happens to rows between products
 * @param workers  threads of a step
 * @param scratch  memory of a step
 */
record StepTools(MatrixProducts products, RowKernels kernels, WorkerPool workers, StepScratch scratch) {
    /** Values below which a parallel region costs more than it saves. */
    private static final long PARALLEL_VALUES = 1 << 15;

    /** Something to do with a row. */
    @FunctionalInterface
    interface RowTask {
        void run(int row);
    }

    /** Does something with every row, in parallel where that is worth it. */
    void forEachRow(Rows rows, RowTask task) {
        if ((long) rows.count() * rows.columns() < PARALLEL_VALUES) {
            for (int row = 0; row < rows.count(); row++) {
                task.run(row);
            }
        } else {
            workers.run(rows.count(), (row, worker) -> task.run(row));
        }
    }
}
