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
    },
    /** GELU itself: {@code x} times the normal distribution's share below it. */
    GELU {
        @Override
        public double apply(double x) {
            return 0.5 * x * (1 + ErrorFunction.of(x / Math.sqrt(2)));
        }
    },
    /** {@code max(x, 0)}. */
    RELU {
        @Override
        public double apply(double x) {
            return Math.max(x, 0);
        }
    },
    /**
     * {@code x sigmoid(1.702 x)} of what is at most {@value #LIMIT}, multiplied with one more than the other branch,
     * which is kept within {@value #LIMIT} of 0 (gpt-oss).
     */
    CLAMPED_SWISH {
        @Override
        public double apply(double x) {
            double kept = Math.min(x, LIMIT);
            return kept / (1 + Math.exp(-SWISH_SLOPE * kept));
        }

        @Override
        public double ofOther(double up) {
            return Math.clamp(up, -LIMIT, LIMIT) + 1;
        }
    };

    /** Where {@link #CLAMPED_SWISH} ends. */
    public static final float LIMIT = 7;
    /** The slope of {@link #CLAMPED_SWISH}. */
    public static final float SWISH_SLOPE = 1.702f;

    /** Returns the function's value; vector kernels compute the same in 32 bits. */
    public abstract double apply(double x);

    /** Returns what the value of a gate is multiplied with: of most functions, the other branch as it is. */
    public double ofOther(double up) {
        return up;
    }

    /**
     * Returns the function of a name in config.json.
     *
     * @throws ModelLoadException if it is not supported
     */
    static Activation of(ConfigValues config, String name) {
        return switch (name) {
            case "silu", "swish" -> SILU;
            case "gelu_pytorch_tanh", "gelu_new" -> GELU_TANH;
            case "gelu" -> GELU;
            case "relu" -> RELU;
            default -> throw config.refused("the activation function must be silu, gelu_pytorch_tanh, gelu_new, gelu "
                    + "or relu, found " + Excerpt.of(name));
        };
    }
}
