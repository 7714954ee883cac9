// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

import io.github.chaijlama.kernel.AttentionKernels;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.model.Rotary;
import io.github.chaijlama.model.RotaryFrequencies;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * The angles of rotary position embedding, {@code position * theta^(-2i / headSize)} for pair {@code i}
 * (arXiv:2104.09864, section 3.4.2), calculated in double and kept as floats. Where a row is turned in part, what is
 * turned comes first. Some models turn long sequences by other angles than short ones, all of their positions.
 *
 * <p>Every head of a position shares one row of cosines and sines, and every position of the context has one. Rows are
 * made in blocks when a position is first used: a context of 131,072 positions costs nothing until it is filled.
 * Thread-safe.
 */
public final class RotaryEmbedding implements AutoCloseable {
    private static final int BLOCK_ROWS = 256;

    private final int headSize;
    private final int contextLength;
    private final AttentionKernels kernels;
    private final Arena arena = Arena.ofShared();
    private final Angles angles;
    private final Angles stretchedAngles;

    /** Rows of cosines and sines for the frequencies of one kind of sequence. */
    private final class Angles {
        private final RotaryFrequencies frequencies;
        private final AtomicReferenceArray<MemorySegment> blocks;

        Angles(RotaryFrequencies frequencies) {
            this.frequencies = frequencies;
            this.blocks = new AtomicReferenceArray<>((contextLength + BLOCK_ROWS - 1) / BLOCK_ROWS);
        }

        /** Returns how many values of a head's row are turned. */
        int turned() {
            return 2 * frequencies.pairs();
        }

        /** Returns the rows of a position's block, each a cosine for every pair, then as many sines. */
        MemorySegment rows(int position) {
            if (position < 0 || position >= contextLength) {
                throw new IndexOutOfBoundsException(
                        "position " + position + " is outside the context of " + contextLength + " positions");
            }
            int block = position / BLOCK_ROWS;
            MemorySegment rows = blocks.get(block);
            return rows == null ? make(block) : rows;
        }

        /** Makes a block once, however many threads ask for it: what is allocated stays until the end. */
        private synchronized MemorySegment make(int block) {
            if (blocks.get(block) == null) {
                blocks.set(block, makeBlock(block));
            }
            return blocks.get(block);
        }

        private MemorySegment makeBlock(int block) {
            MemorySegment rows = arena.allocate((long) BLOCK_ROWS * turned() * Float.BYTES, 64);
            for (int row = 0; row < BLOCK_ROWS; row++) {
                long position = (long) block * BLOCK_ROWS + row;
                for (int i = 0; i < frequencies.pairs(); i++) {
                    double angle = position * frequencies.frequency(i);
                    rows.setAtIndex(JAVA_FLOAT, (long) row * turned() + i,
                            (float) (frequencies.amplitude() * Math.cos(angle)));
                    rows.setAtIndex(JAVA_FLOAT, (long) row * turned() + frequencies.pairs() + i,
                            (float) (frequencies.amplitude() * Math.sin(angle)));
                }
            }
            return rows;
        }
    }

    /**
     * Creates the embedding of a model's layers.
     *
     * @param contextLength positions of the model's context
     * @param rotary        what the model says of it
     * @param headSize      floats of one head's row
     */
    public RotaryEmbedding(int contextLength, Rotary rotary, int headSize, AttentionKernels kernels) {
        this.kernels = kernels;
        this.headSize = headSize;
        this.contextLength = contextLength;
        this.angles = new Angles(rotary.frequencies(headSize));
        this.stretchedAngles = rotary.stretchedBeyond().isEmpty() ? angles
                : new Angles(rotary.stretchedFrequencies(headSize));
    }

    /**
     * Rotates heads of neighbouring positions, in place.
     *
     * @param rows      {@code (row, head, headSize)}
     * @param position  position of row 0
     * @param stretched whether the sequence is one that is turned by the angles of long ones
     * @param heads     which heads
     */
    public void rotate(Rows rows, int position, boolean stretched, List<HeadRun> heads) {
        Angles used = stretched ? stretchedAngles : angles;
        int turned = used.turned();
        for (int row = 0; row < rows.count(); row++) {
            MemorySegment cosSin = used.rows(position + row);
            long cosSinAt = (long) ((position + row) % BLOCK_ROWS) * turned;
            for (HeadRun run : heads) {
                for (int head = run.first(); head < run.first() + run.count(); head++) {
                    long at = rows.at(row) + (long) head * headSize;
                    kernels.rotate(rows.memory(), at, rows.memory(), at, cosSin, cosSinAt, turned);
                }
            }
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
