// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.decoder;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

import io.github.chaijlama.attention.HeadRun;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.NormConfig;
import io.github.chaijlama.weight.WeightSource;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/** A norm of rows, or of the heads of rows; none at all where a family has none. */
abstract sealed class Norm {
    /** Leaves rows as they are. */
    static final Norm NONE = new None();

    private Norm() {}

    static Norm of(Optional<NormConfig> config, WeightSource weights, StepTools tools) {
        return config.map(norm -> of(norm, weights, tools)).orElse(NONE);
    }

    static Norm of(NormConfig config, WeightSource weights, StepTools tools) {
        MemorySegment weight = config.weight().map(part -> weights.weight(part).data())
                .orElseGet(() -> ones(config.length()));
        return switch (config.kind()) {
            case RMS -> new RootMeanSquare(weight, config, tools);
            case LAYER -> new Layer(weight, weights.weight(config.bias().orElseThrow()).data(), config, tools);
        };
    }

    private static MemorySegment ones(int length) {
        MemorySegment ones = Arena.ofAuto().allocate((long) length * Float.BYTES, Long.BYTES);
        for (int i = 0; i < length; i++) {
            ones.setAtIndex(JAVA_FLOAT, i, 1);
        }
        return ones;
    }

    /** Returns the rows normed: {@code out}, or {@code in} itself where there is no norm. */
    abstract Rows apply(Rows in, Rows out);

    /** Norms some stretches of rows, {@code (row, stretch, length)} with the norm's own length, in place. */
    abstract void applyToHeads(Rows rows, List<HeadRun> heads);

    private static final class None extends Norm {
        @Override
        Rows apply(Rows in, Rows out) {
            return in;
        }

        @Override
        void applyToHeads(Rows rows, List<HeadRun> heads) {
            // as they are
        }
    }

    private abstract static sealed class Some extends Norm {
        final StepTools tools;
        final float epsilon;
        final int length;

        Some(NormConfig config, StepTools tools) {
            this.tools = tools;
            this.epsilon = config.epsilon();
            this.length = config.length();
        }

        abstract void norm(Rows in, long inOffset, Rows out, long outOffset);

        @Override
        final Rows apply(Rows in, Rows out) {
            tools.forEachRow(in, row -> norm(in, in.at(row), out, out.at(row)));
            return out;
        }

        @Override
        final void applyToHeads(Rows rows, List<HeadRun> heads) {
            tools.forEachRow(rows, row -> {
                for (HeadRun run : heads) {
                    for (int head = run.first(); head < run.first() + run.count(); head++) {
                        long at = rows.at(row) + (long) head * length;
                        norm(rows, at, rows, at);
                    }
                }
            });
        }
    }

    private static final class RootMeanSquare extends Some {
        private final MemorySegment weights;
        private final float weightOffset;

        RootMeanSquare(MemorySegment weights, NormConfig config, StepTools tools) {
            super(config, tools);
            this.weights = weights;
            this.weightOffset = config.weightOffset();
        }

        @Override
        void norm(Rows in, long inOffset, Rows out, long outOffset) {
            tools.kernels().rmsNorm(out.memory(), outOffset, in.memory(), inOffset, weights, weightOffset, epsilon,
                    length);
        }
    }

    private static final class Layer extends Some {
        private final MemorySegment weights;
        private final MemorySegment biases;

        Layer(MemorySegment weights, MemorySegment biases, NormConfig config, StepTools tools) {
            super(config, tools);
            this.weights = weights;
            this.biases = biases;
        }

        @Override
        void norm(Rows in, long inOffset, Rows out, long outOffset) {
            tools.kernels().layerNorm(out.memory(), outOffset, in.memory(), inOffset, weights, biases, epsilon, length);
        }
    }
}
