// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

/**
 * The arithmetic of attention on blocks of 32-bit floats: scores, softmax, weighted sums, rotary embedding.
 *
 * <p>Every public method checks that the ranges it was given lie inside their segments and throws
 * {@link IndexOutOfBoundsException} before a single value is touched; Jlama turns the JVM's own vector bounds checks
 * off, so nothing else would. The implementations behind the checks come in pairs: {@link ScalarKernels} is the formula
 * as a loop and the specification, {@code VectorKernels} computes the same with the Vector API.
 *
 * <p>All offsets and strides are counted in floats, not bytes. Output segments may not overlap inputs unless a method
 * says otherwise. Instances hold no state and may be used by any number of threads.
 *
 * <p>Two shapes of work are covered. <em>Decode</em> has one query row against many keys and is bound by memory: {@link
 * #scores}, {@link #softmax}, {@link #weightedSum}. <em>Prefill</em> has a tile of {@link #tileRows()} query rows
 * against a run of keys and is bound by arithmetic: {@link #transposeTile}, {@link #scoresTile}, {@link
 * #softmaxTile}, {@link #weightedSumTile}, {@link #normalizeTile}. Tiles keep the query row in the vector lanes (scores
 * are laid out {@code [key][row]}), so that no step needs a sum across lanes.
 */
public abstract class AttentionKernels {

    /** Below every score and finite, so that the difference of two of them is 0 and not undefined. */
    private static final float HIDDEN = -1e30f;

    AttentionKernels() {}

    /** Returns what computes here, for logs: {@code scalar} or, for instance, {@code Vector API, 256 bits}. */
    public abstract String description();

    /** Returns the query rows of a prefill tile, a constant of the implementation. */
    public abstract int tileRows();

    /**
     * Calculates {@code scores[j] = scale * sum_i query[i] * keys[j][i]} for every key.
     *
     * @param scores       output, {@code (numberOfKeys)}
     * @param query        {@code (headSize)}
     * @param keys         {@code (numberOfKeys, headSize)}, rows contiguous
     * @param scale        factor of every score, usually {@code 1 / sqrt(headSize)}
     */
    public final void scores(MemorySegment scores, long scoresOffset, MemorySegment query, long queryOffset,
            MemorySegment keys, long keysOffset, int numberOfKeys, int headSize, float scale) {
        check(scores, scoresOffset, numberOfKeys);
        check(query, queryOffset, headSize);
        check(keys, keysOffset, (long) numberOfKeys * headSize);
        doScores(scores, scoresOffset, query, queryOffset, keys, keysOffset, numberOfKeys, headSize, scale);
    }

    /**
     * Keeps scores within a range, in place: {@code x[i] = cap * tanh(x[i] / cap)} (Gemma 2, arXiv:2408.00118).
     *
     * @param length values, of a row or of a whole tile
     * @param cap    above 0
     */
    public final void softCap(MemorySegment scores, long offset, int length, float cap) {
        check(scores, offset, length);
        doSoftCap(scores, offset, length, cap);
    }

    /**
     * Hides keys that lie behind a sliding window: row {@code r} of the tile does not see the first {@code hidden + r}
     * keys. Where a row sees none of these keys its sum takes in ones that the next visible key's correction removes.
     *
     * @param scores in and out, {@code (numberOfKeys, tileRows)}
     * @param hidden how many keys row 0 does not see, negative if it and others see all
     */
    public final void hideTile(MemorySegment scores, long scoresOffset, int numberOfKeys, int hidden) {
        check(scores, scoresOffset, (long) numberOfKeys * tileRows());
        for (int key = 0; key < Math.min(numberOfKeys, hidden + tileRows() - 1); key++) {
            for (int row = Math.max(0, key - hidden + 1); row < tileRows(); row++) {
                scores.set(JAVA_FLOAT_UNALIGNED, (scoresOffset + (long) key * tileRows() + row) * Float.BYTES,
                        HIDDEN);
            }
        }
    }

    /**
     * Turns scores into probabilities in place: {@code x[i] = exp(x[i] - max(x)) / sum_j exp(x[j] - max(x))}.
     *
     * @param length values, at least 1
     */
    public final void softmax(MemorySegment scores, long offset, int length) {
        check(scores, offset, length);
        doSoftmax(scores, offset, length);
    }

    /**
     * Adds values weighted by probabilities: {@code out[i] += sum_j probabilities[j] * values[j][i]}.
     *
     * @param out           in and out, {@code (headSize)}
     * @param probabilities {@code (numberOfValues)}
     * @param values        {@code (numberOfValues, headSize)}, rows contiguous
     */
    public final void weightedSum(MemorySegment out, long outOffset, MemorySegment probabilities,
            long probabilitiesOffset, MemorySegment values, long valuesOffset, int numberOfValues, int headSize) {
        check(out, outOffset, headSize);
        check(probabilities, probabilitiesOffset, numberOfValues);
        check(values, valuesOffset, (long) numberOfValues * headSize);
        doWeightedSum(out, outOffset, probabilities, probabilitiesOffset, values, valuesOffset, numberOfValues,
                headSize);
    }

    /**
     * Rotates one head's row by its position's angles, pairs {@code (i, i + headSize / 2)}: with {@code c = cosSin[i]},
     * {@code s = cosSin[headSize / 2 + i]}, {@code out[i] = in[i] c - in[i + headSize / 2] s} and
     * {@code out[i + headSize / 2] = in[i] s + in[i + headSize / 2] c} (arXiv:2104.09864, in the half-split order of the
     * Hugging Face checkpoints).
     *
     * @param out    output, {@code (headSize)}; may be the same place as {@code in}
     * @param in     {@code (headSize)}
     * @param cosSin {@code headSize / 2} cosines, then as many sines
     */
    public final void rotate(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment cosSin,
            long cosSinOffset, int headSize) {
        check(out, outOffset, headSize);
        check(in, inOffset, headSize);
        check(cosSin, cosSinOffset, headSize);
        doRotate(out, outOffset, in, inOffset, cosSin, cosSinOffset, headSize);
    }

    /**
     * Writes query rows as the columns of a tile, {@code tile[i][r] = rows[r * rowStride + i]}; missing rows are zero.
     *
     * @param tile         output, {@code (headSize, tileRows)}
     * @param rows         {@code (numberOfRows, headSize)}, {@code rowStride} floats from row to row
     * @param numberOfRows 1 to {@link #tileRows()}
     */
    public final void transposeTile(MemorySegment tile, long tileOffset, MemorySegment rows, long rowsOffset,
            long rowStride, int numberOfRows, int headSize) {
        checkRows(numberOfRows);
        check(tile, tileOffset, (long) headSize * tileRows());
        check(rows, rowsOffset, (numberOfRows - 1) * rowStride + headSize);
        doTransposeTile(tile, tileOffset, rows, rowsOffset, rowStride, numberOfRows, headSize);
    }

    /**
     * Calculates the scores of a tile of queries, {@code scores[j][r] = scale * sum_i queries[i][r] * keys[j][i]}.
     *
     * @param scores  output, {@code (numberOfKeys, tileRows)}
     * @param queries {@code (headSize, tileRows)}, from {@link #transposeTile}
     * @param keys    {@code (numberOfKeys, headSize)}, rows contiguous
     */
    public final void scoresTile(MemorySegment scores, long scoresOffset, MemorySegment queries, long queriesOffset,
            MemorySegment keys, long keysOffset, int numberOfKeys, int headSize, float scale) {
        check(scores, scoresOffset, (long) numberOfKeys * tileRows());
        check(queries, queriesOffset, (long) headSize * tileRows());
        check(keys, keysOffset, (long) numberOfKeys * headSize);
        doScoresTile(scores, scoresOffset, queries, queriesOffset, keys, keysOffset, numberOfKeys, headSize, scale);
    }

    /**
     * Takes one run of keys into the online softmax of a tile (arXiv:1805.02867): raises the running maximum of each
     * row, replaces the scores by {@code exp(score - maximum)}, zero where the key comes after the row's own position,
     * and sets {@code sum = sum * correction + new values}, {@code correction = exp(old maximum - new maximum)}.
     *
     * @param scores  in and out, {@code (numberOfKeys, tileRows)}
     * @param state   in and out, three rows of {@code tileRows}: maxima (start: negative infinity), sums (start: 0),
     *                corrections (output)
     * @param visible how many of these keys row 0 may see; row {@code r} sees {@code visible + r} of them. Every row
     *                must have seen at least one key after the first call
     */
    public final void softmaxTile(MemorySegment scores, long scoresOffset, MemorySegment state, long stateOffset,
            int numberOfKeys, int visible) {
        check(scores, scoresOffset, (long) numberOfKeys * tileRows());
        check(state, stateOffset, 3L * tileRows());
        doSoftmaxTile(scores, scoresOffset, state, stateOffset, numberOfKeys, visible);
    }

    /**
     * Corrects and extends a tile of outputs:
     * {@code out[r][i] = out[r][i] * corrections[r] + sum_j probabilities[j][r] * values[j][i]}.
     *
     * @param out           in and out, {@code (tileRows, headSize)}
     * @param corrections   {@code (tileRows)}, from {@link #softmaxTile}
     * @param probabilities {@code (numberOfValues, tileRows)}, from {@link #softmaxTile}
     * @param values        {@code (numberOfValues, headSize)}, rows contiguous
     */
    public final void weightedSumTile(MemorySegment out, long outOffset, MemorySegment corrections,
            long correctionsOffset, MemorySegment probabilities, long probabilitiesOffset, MemorySegment values,
            long valuesOffset, int numberOfValues, int headSize) {
        check(out, outOffset, (long) tileRows() * headSize);
        check(corrections, correctionsOffset, tileRows());
        check(probabilities, probabilitiesOffset, (long) numberOfValues * tileRows());
        check(values, valuesOffset, (long) numberOfValues * headSize);
        doWeightedSumTile(out, outOffset, corrections, correctionsOffset, probabilities, probabilitiesOffset, values,
                valuesOffset, numberOfValues, headSize);
    }

    /**
     * Divides a finished tile by its sums and writes its rows: {@code rows[r * rowStride + i] = tile[r][i] / sums[r]}.
     *
     * @param rows         output, {@code (numberOfRows, headSize)}, {@code rowStride} floats from row to row
     * @param tile         {@code (tileRows, headSize)}
     * @param sums         {@code (tileRows)}
     * @param numberOfRows 1 to {@link #tileRows()}
     */
    public final void normalizeTile(MemorySegment rows, long rowsOffset, long rowStride, MemorySegment tile,
            long tileOffset, MemorySegment sums, long sumsOffset, int numberOfRows, int headSize) {
        checkRows(numberOfRows);
        check(rows, rowsOffset, (numberOfRows - 1) * rowStride + headSize);
        check(tile, tileOffset, (long) tileRows() * headSize);
        check(sums, sumsOffset, tileRows());
        doNormalizeTile(rows, rowsOffset, rowStride, tile, tileOffset, sums, sumsOffset, numberOfRows, headSize);
    }

    abstract void doScores(MemorySegment scores, long scoresOffset, MemorySegment query, long queryOffset,
            MemorySegment keys, long keysOffset, int numberOfKeys, int headSize, float scale);

    abstract void doSoftCap(MemorySegment scores, long offset, int length, float cap);

    abstract void doSoftmax(MemorySegment scores, long offset, int length);

    abstract void doWeightedSum(MemorySegment out, long outOffset, MemorySegment probabilities,
            long probabilitiesOffset, MemorySegment values, long valuesOffset, int numberOfValues, int headSize);

    abstract void doRotate(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment cosSin,
            long cosSinOffset, int headSize);

    abstract void doTransposeTile(MemorySegment tile, long tileOffset, MemorySegment rows, long rowsOffset,
            long rowStride, int numberOfRows, int headSize);

    abstract void doScoresTile(MemorySegment scores, long scoresOffset, MemorySegment queries, long queriesOffset,
            MemorySegment keys, long keysOffset, int numberOfKeys, int headSize, float scale);

    abstract void doSoftmaxTile(MemorySegment scores, long scoresOffset, MemorySegment state, long stateOffset,
            int numberOfKeys, int visible);

    abstract void doWeightedSumTile(MemorySegment out, long outOffset, MemorySegment corrections,
            long correctionsOffset, MemorySegment probabilities, long probabilitiesOffset, MemorySegment values,
            long valuesOffset, int numberOfValues, int headSize);

    abstract void doNormalizeTile(MemorySegment rows, long rowsOffset, long rowStride, MemorySegment tile,
            long tileOffset, MemorySegment sums, long sumsOffset, int numberOfRows, int headSize);

    private void checkRows(int numberOfRows) {
        if (numberOfRows < 1 || numberOfRows > tileRows()) {
            throw new IndexOutOfBoundsException(
                    "a tile holds 1 to " + tileRows() + " rows, asked for " + numberOfRows);
        }
    }

    private static void check(MemorySegment segment, long offset, long length) {
        Objects.checkFromIndexSize(offset, length, segment.byteSize() / Float.BYTES);
    }
}
