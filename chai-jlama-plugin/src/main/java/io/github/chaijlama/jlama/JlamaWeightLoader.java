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
import com.github.tjake.jlama.safetensors.Weights;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.TensorShape;
import com.github.tjake.jlama.util.Pair;

import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.weight.StoredWeights;
import io.github.chaijlama.weight.Weight;

/** Gives our weights to Jlama's model classes. */
final class JlamaWeightLoader implements WeightLoader {
    private final StoredWeights weights;
    private final Map<String, TensorInfo> infos = new HashMap<>();
    private final DType modelType;

    /**
     * Creates a loader of weights that are prepared.
     *
     * @param directory where they are from
     * @param honest    whether Jlama is told the type of the model, which is that of most tensors, as its own loader
     *                  tells it: by this it chooses the type of rows. Else it is told F32, and leaves rows as they are
     * @throws ModelLoadException if a tensor is too large for one of Jlama's
     */
    JlamaWeightLoader(Path directory, StoredWeights weights, ModelConfig config, boolean honest) {
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
        this.modelType = honest ? Weights.findDType(infos) : DType.F32;
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
        Weight weight = weights.tensor(name);
        // Jlama's loader marks these as rows of a larger matrix, and Jlama converts no such tensor to the model's type.
        boolean kept = sparseRows && info.dType != modelType && !weight.format().isQuantized();
        return JlamaTensors.of(weight, kept ? TensorShape.sparseRow(info.shape.clone(), Pair.of(0, info.shape[0]))
                : TensorShape.of(info.shape.clone()));
    }

    @Override
    public DType getModelDType() {
        return modelType;
    }

    @Override
    public void close() {
        // Whoever opened the weights closes them.
    }
}
