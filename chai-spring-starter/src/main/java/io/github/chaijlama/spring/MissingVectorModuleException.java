// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.spring;

import io.github.chaijlama.kernel.KernelProvider;

/** The JVM was started without the module that Jlama's tensors need. */
final class MissingVectorModuleException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MissingVectorModuleException() {
        super("the JVM was started without the module " + KernelProvider.VECTOR_MODULE);
    }
}
