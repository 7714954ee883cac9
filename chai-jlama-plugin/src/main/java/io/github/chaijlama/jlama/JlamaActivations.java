// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.jlama;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.MLPBlock;
import com.github.tjake.jlama.model.TransformerBlock;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.tensor.AbstractTensor;

/**
 * The type of rows that a model of Jlama's multiplies with. It is asked for one and may take another: its class may not
 * convert rows at all, 32-bit and BF16 weights are multiplied with rows of their own type, and with Q4 weights of sizes
 * that its 8-bit products cannot do it falls back to 32-bit floats.
 *
 * @param type        type that rows get in the layers
 * @param description the same in words, and why it is not the one that was asked for
 */
record JlamaActivations(DType type, String description) {

    /**
     * Returns what a model was found to take.
     *
     * @param modelType type that Jlama takes the model's weights for
     */
    static JlamaActivations of(AbstractModel model, DType modelType) {
        try (AbstractTensor<?, ?> row = model.makeDenseTensor(1, model.getConfig().embeddingLength);
                AbstractTensor<?, ?> quantized = JlamaAccess.quantize(model, row)) {
            return new JlamaActivations(quantized.dType(), describe(model, modelType, quantized.dType()));
        }
    }

    /** Returns in words what Jlama cannot multiply with such rows, if the layers of a model have any of it. */
    Optional<String> impossible(AbstractModel model) {
        return Stream.of(JlamaAccess.blocks(model)).flatMap(block -> matrices(block).stream())
                .map(AbstractTensor::dType).filter(weights -> !multiplies(type, weights)).findFirst()
                .map(weights -> weights + " weights with " + type + " activations, which it takes for this model");
    }

    private static List<AbstractTensor<?, ?>> matrices(TransformerBlock block) {
        JlamaAccess.BlockParts parts = JlamaAccess.parts(block);
        JlamaAccess.AttentionWeights attention = JlamaAccess.weights(parts.attention());
        Stream<AbstractTensor<?, ?>> ofAttention = Stream.of(attention.query(), attention.key(), attention.value(),
                attention.output());
        if (!(parts.feedForward() instanceof MLPBlock mlp)) {
            return ofAttention.toList();
        }
        JlamaAccess.MlpWeights weights = JlamaAccess.weights(mlp);
        return Stream.concat(ofAttention,
                Stream.concat(Stream.of(weights.gate(), weights.down()), weights.up().stream())).toList();
    }

    private static boolean multiplies(DType rows, DType weights) {
        return switch (rows) {
            case F32 -> weights == DType.F32 || weights == DType.BF16 || weights == DType.Q4;
            case I8 -> weights == DType.Q4;
            case BF16 -> weights == DType.BF16;
            default -> false;
        };
    }

    private static String describe(AbstractModel model, DType modelType, DType rows) {
        if (rows == DType.I8) {
            return "8-bit activations";
        }
        String found = rows == DType.F32 ? "32-bit activations" : rows + " activations";
        if (modelType != DType.Q4) {
            return found + ", which Jlama takes with " + modelType + " weights";
        }
        return JlamaAccess.workingQuantizedType(model) == DType.I8
                ? found + ", which Jlama takes with every model of this family"
                : found + ", which Jlama takes where its 8-bit products cannot do a model's sizes (here "
                        + model.getConfig().embeddingLength + " and " + model.getConfig().hiddenLength + ")";
    }
}
