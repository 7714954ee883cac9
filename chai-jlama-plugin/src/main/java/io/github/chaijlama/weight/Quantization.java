// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.weight;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

import io.github.chaijlama.model.ModelLoadException;
import io.github.chaijlama.model.TensorPart;
import io.github.chaijlama.model.WeightRole;

/**
 * Which tensors of a model are quantized, and to what: the same when a model is loaded and when its files are written
 * again, so that both have the same bits.
 *
 * <p>These are the matrices of the layers, and the output matrix where it is a tensor of its own. What stays as it is:
 * <ul>
 * <li>tables of tokens and positions, and with them an output matrix that is the table of tokens as well: looking a row
 * up takes no time that fewer bits would save. Jlama's own command, by default, quantizes every matrix without "norm"
 * in its name, these too; such files are read as they are;
 * <li>factors of norms and biases, as Jlama's command does it: what has one row;
 * <li>routers of experts, which Jlama's command quantizes: they are small, and a mistake in one is a wrong choice;
 * <li>tensors whose rows are not rows of a matrix, as GPT-2 stores them the other way round.
 * </ul>
 * MXFP4, which is unpacked row by row in any case, is covered wherever its rows lie: I8 holds it exactly, Q4 does not.
 * Immutable.
 *
 * @param format  Q4 or I8
 * @param tensors names of the tensors
 */
public record Quantization(WeightFormat format, Set<String> tensors) {

    public Quantization {
        if (!format.isQuantized()) {
            throw new IllegalArgumentException("not a quantized format: " + format);
        }
        tensors = Set.copyOf(tensors);
    }

    /**
     * Finds the tensors of a model that are to be quantized, those included that are of the format already.
     *
     * @param stored its files
     * @param roles  what its weights are for
     * @param format Q4 or I8
     * @throws ModelLoadException if there is none; if rows of one cannot be cut into blocks; if one is stored in fewer
     *                            bits than the format has: what it has lost does not come back
     */
    public static Quantization of(StoredTensors stored, Map<TensorPart, WeightRole> roles, WeightFormat format) {
        Set<String> tensors = new LinkedHashSet<>();
        roles.keySet().forEach(part -> tensors.add(part.tensor()));
        roles.forEach((part, role) -> {
            if (role != WeightRole.MATRIX || !part.isContiguous() && !stored.isPacked(part.tensor())) {
                tensors.remove(part.tensor());
            }
        });
        if (tensors.isEmpty()) {
            throw new ModelLoadException(
                    stored.directory() + " has no matrices that can be quantized to " + format);
        }
        for (String tensor : tensors) {
            WeightFormat found = stored.format(tensor);
            if (!stored.isPacked(tensor)) {
                WeightConverter.requireBlocks(stored.weight(tensor), format);
            }
            if (found == WeightFormat.Q4 && format == WeightFormat.I8) {
                throw new ModelLoadException(stored.directory() + ": tensor " + tensor + " is of type " + found
                        + ", which has fewer bits than " + format + ": what it has lost does not come back; use it as "
                        + "it is stored");
            }
        }
        return new Quantization(format, tensors);
    }

    /** Returns whether a tensor becomes one of the format. */
    public boolean covers(String tensor) {
        return tensors.contains(tensor);
    }
}
