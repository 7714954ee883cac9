// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.Objects;

import io.github.chaijlama.kv.KvType;

/**
 * The arithmetic of attention: scores, softmax, weighted sums, rotary embedding, in 32-bit floats, on keys and values
 * of any {@link KvType}.
 *
 * <p>Every public method checks that the ranges it was given lie inside their segments and throws
 * {@link IndexOutOfBoundsException} before a single value is touched; the vector kernels check nothing more, so nothing
 * else would. Segments must be native, else {@link IllegalArgumentException}, and alive, else
 * {@link IllegalStateException}; their owner may not free them while a method runs. The implementations behind the
 * checks come in pairs: {@link ScalarKernels} is the formula as a loop and the specification, {@code VectorKernels}
 * computes the same with the Vector API.
 *
 * <p>Offsets and strides of floats are counted in floats; rows of keys and values, contiguous and
 * {@link KvType#rowBytes} long, begin at a byte offset named {@code ...At}. How a row's bytes are arranged is the
 * implementation's own affair: rows are read by the kernels that stored them. Output segments may not overlap inputs
 * unless a method says otherwise. Instances hold no state and may be used by any number of threads.
 *
 * <p>Two shapes of work are covered. <em>Decode</em> has one query row against many keys and is bound by memory:
 * {@link #scores}, {@link #softmax}, {@link #weightedSum}. <em>Prefill</em> has a tile of {@link #tileRows()} query
 * rows against a run of keys and is bound by arithmetic: {@link #transposeTile}, {@link #scoresTile},
 * {@link #softmaxTile}, {@link #weightedSumTile}, {@link #normalizeTile}. Tiles keep the query row in the vector lanes
 * (scores are laid out {@code [key][row]}), so that no step needs a sum across lanes. Scores of tiles are Java arrays:
 * reading single numbers from memory segments makes methods too large for C2 to compile whole.
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
     * Stores a row of a key or value.
     *
     * @param rows     output, {@link KvType#rowBytes} from {@code rowAt} on
     * @param rowAt    byte offset
     * @param in       {@code (headSize)}
     */
    public final void storeRow(KvType type, MemorySegment rows, long rowAt, MemorySegment in, long inOffset,
            int headSize) {
        checkRows(rows, rowAt, type, 1, headSize);
        check(in, inOffset, headSize);
        doStoreRow(type, rows, rowAt, in, inOffset, headSize);
        keepAlive(rows, in);
    }

    /**
     * Reads stored rows back as floats.
     *
     * @param out    output, {@code (numberOfRows, headSize)}, rows contiguous
     * @param rowsAt byte offset
     */
    public final void loadRows(MemorySegment out, long outOffset, KvType type, MemorySegment rows, long rowsAt,
            int numberOfRows, int headSize) {
        check(out, outOffset, (long) numberOfRows * headSize);
        checkRows(rows, rowsAt, type, numberOfRows, headSize);
        doLoadRows(out, outOffset, type, rows, rowsAt, numberOfRows, headSize);
        keepAlive(out, rows);
    }

    /**
     * Calculates {@code scores[j] = scale * sum_i query[i] * keys[j][i]} for every key.
     *
     * @param scores       output, {@code (numberOfKeys)}
     * @param query        {@code (headSize)}
     * @param keys         {@code (numberOfKeys, headSize)}, stored rows
     * @param keysAt       byte offset
     * @param scale        factor of every score, usually {@code 1 / sqrt(headSize)}
     */
    public final void scores(MemorySegment scores, long scoresOffset, MemorySegment query, long queryOffset,
            KvType type, MemorySegment keys, long keysAt, int numberOfKeys, int headSize, float scale) {
        check(scores, scoresOffset, numberOfKeys);
        check(query, queryOffset, headSize);
        checkRows(keys, keysAt, type, numberOfKeys, headSize);
        doScores(scores, scoresOffset, query, queryOffset, type, keys, keysAt, numberOfKeys, headSize, scale);
        keepAlive(scores, query, keys);
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
        keepAlive(scores);
    }

    /**
     * As {@link #softCap}, for the scores of a tile.
     *
     * @param scores in and out, {@code (numberOfKeys, tileRows)}
     */
    public final void softCapTile(float[] scores, int scoresOffset, int numberOfKeys, float cap) {
        check(scores, scoresOffset, numberOfKeys * tileRows());
        doSoftCapTile(scores, scoresOffset, numberOfKeys * tileRows(), cap);
    }

    /**
     * Hides keys that lie behind a sliding window: row {@code r} of the tile does not see the first {@code hidden + r}
     * keys. Where a row sees none of these keys its sum takes in ones that the next visible key's correction removes.
     *
     * @param scores in and out, {@code (numberOfKeys, tileRows)}
     * @param hidden how many keys row 0 does not see, negative if it and others see all
     */
    public final void hideTile(float[] scores, int scoresOffset, int numberOfKeys, int hidden) {
        check(scores, scoresOffset, numberOfKeys * tileRows());
        for (int key = 0; key < Math.min(numberOfKeys, hidden + tileRows() - 1); key++) {
            for (int row = Math.max(0, key - hidden + 1); row < tileRows(); row++) {
                scores[scoresOffset + key * tileRows() + row] = HIDDEN;
            }
        }
    }

    /**
     * Turns scores into probabilities in place: {@code x[i] = exp(x[i] - m) / (exp(sink - m) + sum_j exp(x[j] - m))},
     * {@code m} the largest of all of them.
     *
     * @param length values, at least 1
     * @param sink   score of attending to nothing (arXiv:2309.17453); negative infinity for none
     */
    public final void softmax(MemorySegment scores, long offset, int length, float sink) {
        check(scores, offset, length);
        doSoftmax(scores, offset, length, sink);
        keepAlive(scores);
    }

    /**
     * Adds values weighted by probabilities: {@code out[i] += sum_j probabilities[j] * values[j][i]}.
     *
     * @param out           in and out, {@code (headSize)}
     * @param probabilities {@code (numberOfValues)}
     * @param values        {@code (numberOfValues, headSize)}, stored rows
     * @param valuesAt      byte offset
     */
    public final void weightedSum(MemorySegment out, long outOffset, MemorySegment probabilities,
            long probabilitiesOffset, KvType type, MemorySegment values, long valuesAt, int numberOfValues,
            int headSize) {
        check(out, outOffset, headSize);
        check(probabilities, probabilitiesOffset, numberOfValues);
        checkRows(values, valuesAt, type, numberOfValues, headSize);
        doWeightedSum(out, outOffset, probabilities, probabilitiesOffset, type, values, valuesAt, numberOfValues,
                headSize);
        keepAlive(out, probabilities, values);
    }

    /**
     * Rotates one head's row by its position's angles, pairs {@code (i, i + headSize / 2)}: with {@code c = cosSin[i]},
     * {@code s = cosSin[headSize / 2 + i]}, {@code out[i] = in[i] c - in[i + headSize / 2] s} and
     * {@code out[i + headSize / 2] = in[i] s + in[i + headSize / 2] c} (arXiv:2104.09864, in the half-split order of
     * the Hugging Face checkpoints).
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
        keepAlive(out, in, cosSin);
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
        keepAlive(tile, rows);
    }

    /**
     * Calculates the scores of a tile of queries, {@code scores[j][r] = scale * sum_i queries[i][r] * keys[j][i]}.
     *
     * @param scores  output, {@code (numberOfKeys, tileRows)}
     * @param queries {@code (headSize, tileRows)}, from {@link #transposeTile}
     * @param keys    {@code (numberOfKeys, headSize)}, rows contiguous
     */
    public final void scoresTile(float[] scores, int scoresOffset, MemorySegment queries, long queriesOffset,
            MemorySegment keys, long keysOffset, int numberOfKeys, int headSize, float scale) {
        check(scores, scoresOffset, numberOfKeys * tileRows());
        check(queries, queriesOffset, (long) headSize * tileRows());
        check(keys, keysOffset, (long) numberOfKeys * headSize);
        doScoresTile(scores, scoresOffset, queries, queriesOffset, keys, keysOffset, numberOfKeys, headSize, scale);
        keepAlive(queries, keys);
    }

    /**
     * Takes one run of keys into the online softmax of a tile (arXiv:1805.02867): raises the running maximum of each
     * row, replaces the scores by {@code exp(score - maximum)}, zero where the key comes after the row's own position,
     * and sets {@code sum = sum * correction + new values}, {@code correction = exp(old maximum - new maximum)}.
     *
     * @param scores  in and out, {@code (numberOfKeys, tileRows)}
     * @param state   in and out, three rows of {@code tileRows}: maxima (start: negative infinity, or the score of
     *                attending to nothing), sums (start: 0, with such a score 1), corrections (output)
     * @param visible how many of these keys row 0 may see; row {@code r} sees {@code visible + r} of them. Every row
     *                must have seen at least one key after the first call
     */
    public final void softmaxTile(float[] scores, int scoresOffset, float[] state, int stateOffset, int numberOfKeys,
            int visible) {
        check(scores, scoresOffset, numberOfKeys * tileRows());
        check(state, stateOffset, 3 * tileRows());
        doSoftmaxTile(scores, scoresOffset, state, stateOffset, numberOfKeys, visible);
    }

    /**
     * Corrects and extends a tile of outputs:
     * {@code out[r][i] = out[r][i] * correction[r] + sum_j probabilities[j][r] * values[j][i]}.
     *
     * @param out           in and out, {@code (tileRows, headSize)}
     * @param state         from {@link #softmaxTile}
     * @param probabilities {@code (numberOfValues, tileRows)}, from {@link #softmaxTile}
     * @param values        {@code (numberOfValues, headSize)}, rows contiguous
     */
    public final void weightedSumTile(MemorySegment out, long outOffset, float[] state, int stateOffset,
            float[] probabilities, int probabilitiesOffset, MemorySegment values, long valuesOffset, int numberOfValues,
            int headSize) {
        check(out, outOffset, (long) tileRows() * headSize);
        check(state, stateOffset, 3 * tileRows());
        check(probabilities, probabilitiesOffset, numberOfValues * tileRows());
        check(values, valuesOffset, (long) numberOfValues * headSize);
        doWeightedSumTile(out, outOffset, state, stateOffset, probabilities, probabilitiesOffset, values, valuesOffset,
                numberOfValues, headSize);
        keepAlive(out, values);
    }

    /**
     * Divides a finished tile by its sums and writes its rows: {@code rows[r * rowStride + i] = tile[r][i] / sum[r]}.
     *
     * @param rows         output, {@code (numberOfRows, headSize)}, {@code rowStride} floats from row to row
     * @param tile         {@code (tileRows, headSize)}
     * @param state        from {@link #softmaxTile}
     * @param numberOfRows 1 to {@link #tileRows()}
     */
    public final void normalizeTile(MemorySegment rows, long rowsOffset, long rowStride, MemorySegment tile,
            long tileOffset, float[] state, int stateOffset, int numberOfRows, int headSize) {
        checkRows(numberOfRows);
        check(rows, rowsOffset, (numberOfRows - 1) * rowStride + headSize);
        check(tile, tileOffset, (long) tileRows() * headSize);
        check(state, stateOffset, 3 * tileRows());
        doNormalizeTile(rows, rowsOffset, rowStride, tile, tileOffset, state, stateOffset, numberOfRows, headSize);
        keepAlive(rows, tile);
    }

    abstract void doStoreRow(KvType type, MemorySegment rows, long rowAt, MemorySegment in, long inOffset,
            int headSize);

    abstract void doLoadRows(MemorySegment out, long outOffset, KvType type, MemorySegment rows, long rowsAt,
            int numberOfRows, int headSize);

    abstract void doScores(MemorySegment scores, long scoresOffset, MemorySegment query, long queryOffset, KvType type,
            MemorySegment keys, long keysAt, int numberOfKeys, int headSize, float scale);

    abstract void doSoftCap(MemorySegment scores, long offset, int length, float cap);

    abstract void doSoftmax(MemorySegment scores, long offset, int length, float sink);

    abstract void doWeightedSum(MemorySegment out, long outOffset, MemorySegment probabilities,
            long probabilitiesOffset, KvType type, MemorySegment values, long valuesAt, int numberOfValues,
            int headSize);

    abstract void doRotate(MemorySegment out, long outOffset, MemorySegment in, long inOffset, MemorySegment cosSin,
            long cosSinOffset, int headSize);

    abstract void doTransposeTile(MemorySegment tile, long tileOffset, MemorySegment rows, long rowsOffset,
            long rowStride, int numberOfRows, int headSize);

    abstract void doSoftCapTile(float[] scores, int offset, int length, float cap);

    abstract void doScoresTile(float[] scores, int scoresOffset, MemorySegment queries, long queriesOffset,
            MemorySegment keys, long keysOffset, int numberOfKeys, int headSize, float scale);

    abstract void doSoftmaxTile(float[] scores, int scoresOffset, float[] state, int stateOffset, int numberOfKeys,
            int visible);

    abstract void doWeightedSumTile(MemorySegment out, long outOffset, float[] state, int stateOffset,
            float[] probabilities, int probabilitiesOffset, MemorySegment values, long valuesOffset, int numberOfValues,
            int headSize);

    abstract void doNormalizeTile(MemorySegment rows, long rowsOffset, long rowStride, MemorySegment tile,
            long tileOffset, float[] state, int stateOffset, int numberOfRows, int headSize);

    private void checkRows(int numberOfRows) {
        if (numberOfRows < 1 || numberOfRows > tileRows()) {
            throw new IndexOutOfBoundsException(
                    "a tile holds 1 to " + tileRows() + " rows, asked for " + numberOfRows);
        }
    }

    private static void check(MemorySegment segment, long offset, long length) {
        checkUsable(segment);
        Objects.checkFromIndexSize(offset, length, segment.byteSize() / Float.BYTES);
    }

    private static void check(float[] values, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, values.length);
    }

    private static void checkRows(MemorySegment rows, long rowsAt, KvType type, int numberOfRows, int headSize) {
        checkUsable(rows);
        Objects.checkFromIndexSize(rowsAt, (long) numberOfRows * type.rowBytes(headSize), rows.byteSize());
    }

    /** The vector kernels work with addresses; nothing behind this would notice. */
    private static void checkUsable(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("expected native memory, found a segment on the heap");
        }
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("Already closed");
        }
    }

    /** Memory that the garbage collector frees stays while its address is in use. */
    private static void keepAlive(MemorySegment segment) {
        Reference.reachabilityFence(segment);
    }

    /** As above; an array of arguments would be an allocation for every page. */
    private static void keepAlive(MemorySegment first, MemorySegment second) {
        Reference.reachabilityFence(first);
        Reference.reachabilityFence(second);
    }

    private static void keepAlive(MemorySegment first, MemorySegment second, MemorySegment third) {
        keepAlive(first, second);
        Reference.reachabilityFence(third);
    }
}
