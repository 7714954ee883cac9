// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.NoSuchElementException;

import com.github.tjake.jlama.model.DistributedContext;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.TensorInfo;
import com.github.tjake.jlama.safetensors.WeightLoader;
import com.github.tjake.jlama.tensor.AbstractTensor;

import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.weight.StoredWeights;
import io.github.chaijlama.weight.Weight;

/** Gives our weights to Jlama's model classes. */
final class JlamaWeightLoader implements WeightLoader {
    private final StoredWeights weights;
    private final Map<String, TensorInfo> infos = new HashMap<>();

    /**
     * Creates a loader of weights that are prepared.
     *
     * @param directory where they are from
     * @throws ModelLoadException if a tensor is too large for one of Jlama's
     */
    JlamaWeightLoader(Path directory, StoredWeights weights, ModelConfig config) {
        this.weights = weights;
        for (TensorPart part : config.parts().keySet()) {
            long[] shape = part.shape().stream().mapToLong(Long::longValue).toArray();
            Weight tensor = weights.tensor(part.tensor());
            if (!JlamaTensors.fits(tensor)) {
                throw new ModelLoadException(directory + ": tensor " + part.tensor() + " has " + tensor.size()
                        + " values in " + tensor.data().byteSize() + " bytes, Jlama's own layers take at most "
                        + Integer.MAX_VALUE + " of both; exact and clustered attention have no such limit");
            }
            infos.put(part.tensor(), new TensorInfo(DType.valueOf(tensor.format().name()), shape,
                    new long[]{ 0, tensor.data().byteSize() }));
        }
    }

    @Override
    public Map<String, String> metadata() {
        return Map.of();
    }

    @Override
    public Map<String, TensorInfo> tensorInfoMap() {
        return infos;
    }

    /** Returns a tensor. Distribution over machines is not supported; the context is ignored. */
    @Override
    @SuppressWarnings("rawtypes")
    public AbstractTensor load(String name, DistributedContext context, boolean sparseRows, boolean sparseColumns) {
        TensorInfo info = infos.get(name);
        if (info == null) {
            throw new NoSuchElementException(name);
        }
        return JlamaTensors.of(weights.tensor(name), info.shape.clone());
    }

    /**
     * Returns F32, whatever the weights are: of any other type Jlama would quantize matrices that are not of that type,
     * and round the rows it multiplies them with. Of this one it leaves all as they are.
     */
    @Override
    public DType getModelDType() {
        return DType.F32;
    }

    @Override
    public void close() {
        // Whoever opened the weights closes them.
    }
}
