// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Consumer;

import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.weight.Weight;

/** The tensors that a model's products are calculated with, made when they are first asked for. Not thread-safe. */
final class ProductTensors {
    /** Bytes of a tensor that a weight which is too large for one is cut into. */
    private static final long PART_BYTES = 1L << 30;
    private static final int MAX_CACHED_ROWS = 64;

    private final Consumer<AbstractTensor<?, ?>> register;
    private final IdentityHashMap<Weight, AbstractTensor<?, ?>> weights = new IdentityHashMap<>();
    private final IdentityHashMap<Weight, List<Part>> parts = new IdentityHashMap<>();
    private final IdentityHashMap<Rows, FloatBufferTensor> rows = new IdentityHashMap<>();

    /** @param register told of every tensor of a weight before it is used */
    ProductTensors(Consumer<AbstractTensor<?, ?>> register) {
        this.register = register;
    }

    /**
     * Some rows of a weight that a tensor can hold.
     *
     * @param firstRow the first of them in the whole weight
     */
    record Part(Weight weight, int firstRow) {
        int end() {
            return firstRow + weight.rows();
        }
    }

    /** Returns the tensor of a weight that fits into one. */
    AbstractTensor<?, ?> of(Weight weight) {
        return weights.computeIfAbsent(weight, key -> {
            AbstractTensor<?, ?> tensor = JlamaTensors.of(key);
            register.accept(tensor);
            return tensor;
        });
    }

    /** Returns the tensor of rows. Those of a step come again in the next; others are forgotten after a while. */
    FloatBufferTensor of(Rows of) {
        if (rows.size() > MAX_CACHED_ROWS) {
            rows.clear();
        }
        return rows.computeIfAbsent(of, JlamaTensors::of);
    }

    /** Returns the parts of a weight, each of which fits into a tensor: one, unless it is larger than tensors are. */
    List<Part> parts(Weight weight) {
        return parts.computeIfAbsent(weight, whole -> {
            if (JlamaTensors.fits(whole)) {
                return List.of(new Part(whole, 0));
            }
            int partRows = (int) Math.max(1, PART_BYTES * whole.rows() / whole.data().byteSize());
            List<Part> cut = new ArrayList<>();
            for (int row = 0; row < whole.rows(); row += partRows) {
                cut.add(new Part(whole.rows(row, Math.min(partRows, whole.rows() - row)), row));
            }
            return cut;
        });
    }
}
