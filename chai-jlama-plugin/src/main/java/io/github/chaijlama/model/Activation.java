// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.model;

/** The activation function of a feed-forward network. */
public enum Activation {
    /** {@code x / (1 + exp(-x))}, also called swish. */
    SILU {
        @Override
        public double apply(double x) {
            return x / (1 + Math.exp(-x));
        }
    },
    /** The approximation of GELU by a hyperbolic tangent (arXiv:1606.08415, section 2). */
    GELU_TANH {
        @Override
        public double apply(double x) {
            return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
        }
    };

    /** Returns the function's value; vector kernels compute the same in 32 bits. */
    public abstract double apply(double x);

    /**
     * Returns the function of a name in config.json.
     *
     * @throws ModelLoadException if it is not supported
     */
    static Activation of(ConfigValues config, String name) {
        return switch (name) {
            case "silu" -> SILU;
            case "gelu_pytorch_tanh", "gelu_new" -> GELU_TANH;
            default -> throw config.refused(
                    "the activation function must be silu, gelu_pytorch_tanh or gelu_new, found " + Excerpt.of(name));
        };
    }
}
