// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses the kernels of this JVM, once: the Vector API where the {@code jdk.incubator.vector} module is there and the
 * machine can use it, plain loops otherwise. Never fails; what was chosen against expectation is logged with the way to
 * change it.
 */
public final class KernelProvider {
    private static final Logger logger = LoggerFactory.getLogger(KernelProvider.class);
    /** The module the vector kernels need, and the flag that brings it. */
    public static final String VECTOR_MODULE = "jdk.incubator.vector";

    private KernelProvider() {}

    /** Returns the kernels of this JVM. */
    public static AttentionKernels get() {
        return Holder.KERNELS;
    }

    /** Returns the reference kernels, whatever the machine can do. */
    public static AttentionKernels scalar() {
        return new ScalarKernels();
    }

    /** Returns the kernels for rows of this JVM. */
    public static RowKernels rows() {
        return Holder.ROWS;
    }

    /** Returns the reference kernels for rows, whatever the machine can do. */
    public static RowKernels scalarRows() {
        return new ScalarRowKernels();
    }

    /** Whether this JVM was started with {@code --add-modules jdk.incubator.vector}. */
    public static boolean isVectorModulePresent() {
        return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    }

    /** Whether this JVM's kernels are those of the Vector API. */
    public static boolean usesVectors() {
        return !(Holder.KERNELS instanceof ScalarKernels);
    }

    private static AttentionKernels choose() {
        if (!isVectorModulePresent()) {
            logger.warn("Attention runs on the scalar kernels, many times slower: start Java with --add-modules {}",
                    VECTOR_MODULE);
            return scalar();
        }
        VectorCapabilities.Choice choice = VectorCapabilities.ofThisMachine();
        if (choice.reason() != null) {
            logger.warn("Attention kernels use {} bits: {}", choice.bits(), choice.reason());
        }
        return choice.bits() == 0 ? scalar() : new VectorKernels();
    }

    private static final class Holder {
        static final AttentionKernels KERNELS = choose();
        static final RowKernels ROWS = KERNELS instanceof ScalarKernels ? scalarRows() : new VectorRowKernels();
    }
}
