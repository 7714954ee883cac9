// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.attention;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * The angles of rotary position embedding, {@code position * theta^(-2i / headSize)} for pair {@code i}
 * (arXiv:2104.09864, section 3.4.2), calculated in double and kept as floats.
 *
 * <p>Every head of a position shares one row of cosines and sines, and every position of the context has one. Rows are made
 * in blocks when a position is first used: a context of 131,072 positions costs nothing until it is filled. Thread-safe.
 */
public final class RotaryEmbedding implements AutoCloseable {
    private static final int BLOCK_ROWS = 256;

    private final int headSize;
    private final int contextLength;
    private final double[] frequencies;
    private final AtomicReferenceArray<MemorySegment> blocks;
    private final Arena arena = Arena.ofShared();

    /**
     * Creates the embedding of a model.
     *
     * @param headSize      floats of one head's row, even
     * @param contextLength positions of the model's context
     * @param theta         base of the frequencies, {@code rope_theta} of the model's config.json
     */
    public RotaryEmbedding(int headSize, int contextLength, double theta) {
        if (headSize % 2 != 0) {
            throw new IllegalArgumentException("rotary embedding needs an even head size, found " + headSize);
        }
        this.headSize = headSize;
        this.contextLength = contextLength;
        this.frequencies = new double[headSize / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(theta, -2.0 * i / headSize);
        }
        this.blocks = new AtomicReferenceArray<>((contextLength + BLOCK_ROWS - 1) / BLOCK_ROWS);
    }

    /**
     * Returns memory that holds a position's row: {@code headSize / 2} cosines, then as many sines, at
     * {@link #rowOffset}.
     */
    public MemorySegment rows(int position) {
        if (position < 0 || position >= contextLength) {
            throw new IndexOutOfBoundsException(
                    "position " + position + " is outside the context of " + contextLength + " positions");
        }
        int block = position / BLOCK_ROWS;
        MemorySegment rows = blocks.get(block);
        if (rows == null) {
            blocks.compareAndSet(block, null, makeBlock(block));
            rows = blocks.get(block);
        }
        return rows;
    }

    /** Returns the offset, in floats, of a position's row in {@link #rows}. */
    public long rowOffset(int position) {
        return (long) (position % BLOCK_ROWS) * headSize;
    }

    private MemorySegment makeBlock(int block) {
        MemorySegment rows = arena.allocate((long) BLOCK_ROWS * headSize * Float.BYTES, 64);
        for (int row = 0; row < BLOCK_ROWS; row++) {
            long position = (long) block * BLOCK_ROWS + row;
            for (int i = 0; i < frequencies.length; i++) {
                double angle = position * frequencies[i];
                rows.setAtIndex(JAVA_FLOAT, (long) row * headSize + i, (float) Math.cos(angle));
                rows.setAtIndex(JAVA_FLOAT, (long) row * headSize + frequencies.length + i, (float) Math.sin(angle));
            }
        }
        return rows;
    }

    @Override
    public void close() {
        arena.close();
    }
}
