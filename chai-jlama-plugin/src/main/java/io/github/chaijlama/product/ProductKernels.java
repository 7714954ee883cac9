// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteOrder;
import java.util.Objects;

import io.github.chaijlama.kernel.KernelProvider;
import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

/**
 * The inner loops of matrix products: rows of floats times rows of a weight in the format it is stored in. Offsets are
 * counted in floats.
 *
 * <p>There are two ways. {@link #multiply} reads the weight as it lies in memory and is for few inputs, where reading
 * is what takes time. For many inputs {@link #widen} turns rows of the weight into a <em>panel</em> of floats once, and
 * {@link #multiplyPanel} works on it. The product of an input with a row is one sum in one order. With vectors, column
 * {@code k} of both goes into lane {@code k} modulo the number of lanes, with one rounding for each multiply-add;
 * {@link #CHUNK_COLUMNS} make a sum, these are added from left to right, and the lanes in a fixed order at the end. So
 * a result does not depend on how many inputs and rows there are, how they are cut into calls, or which thread
 * calculates them; nor on the way, with one exception.
 *
 * <p>With {@link WeightFormat#Q4} lanes are dealt out in another, equally fixed way, see {@link #pack}, and
 * {@link #multiply}, where {@link #sumsBlocks} says so, adds up eight numbers of a block, each times its input, before
 * it multiplies by the block's factor. That is much less to do for one input, and no less for many.
 *
 * <p>As in {@link io.github.chaijlama.kernel.AttentionKernels}, every public method checks that the ranges it was given
 * lie inside native segments that are alive, and throws {@link IndexOutOfBoundsException},
 * {@link IllegalArgumentException} or {@link IllegalStateException} before a single value is touched. Implementations
 * come in pairs: {@link ScalarProductKernels} is the formula as a loop and the specification,
 * {@code VectorProductKernels} computes the same with the Vector API, but for the last bits. Instances hold no state
 * and may be used by any number of threads.
 */
public abstract class ProductKernels {
    /** Inputs that are packed together, to be multiplied in one pass over the weight. */
    public static final int GROUP = 4;
    /** Inputs that are packed together where there are no more, or no more are left. */
    public static final int PAIR = 2;
    /** Rows of a weight in a panel. */
    public static final int PANEL_ROWS = 6;
    /** Columns whose products make one sum; the sums of a row's chunks are added in their order. */
    public static final int CHUNK_COLUMNS = 768;

    ProductKernels() {}

    /** Returns the kernels of this JVM: vectors where it has them and the machine's order of bytes is the files'. */
    public static ProductKernels ofThisMachine() {
        return KernelProvider.usesVectors() && ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN
                ? new VectorProductKernels()
                : scalar();
    }

    /** Returns the reference kernels, whatever the machine can do. */
    public static ProductKernels scalar() {
        return new ScalarProductKernels();
    }

    /** Returns what computes, for logs. */
    public abstract String description();

    /** Returns the lanes of a vector; rows are padded with zeros to whole vectors, and whole blocks of vectors. */
    public abstract int lanes();

    /** Returns the vectors a row takes when it is packed or widened. */
    public abstract int vectors(WeightFormat format, int columns);

    /** Returns the floats that {@code inputs} packed together take, 1, {@link #PAIR} or {@link #GROUP}. */
    public final long packedLength(WeightFormat format, int columns, int inputs) {
        return (long) vectors(format, columns) * lanes() * inputs;
    }

    /**
     * Returns the floats that {@code inputs} packed for {@link #multiply} take: {@link #packedLength}, and with some
     * formats a sum of theirs for each block.
     */
    public final long inputLength(WeightFormat format, int columns, int inputs) {
        return packedLength(format, columns, inputs) + offsetsLength(format, columns, inputs);
    }

    /**
     * Returns whether {@link #multiply} adds up the numbers of a block before it multiplies by the factor. Its results
     * are not those of a panel then.
     */
    public abstract boolean sumsBlocks(WeightFormat format);

    /** Returns the floats of a panel. */
    public final long panelLength(WeightFormat format, int columns) {
        return packedLength(format, columns, PANEL_ROWS);
    }

    /** Returns the floats of scratch memory for a weight. */
    public abstract long scratchLength(WeightFormat format, int columns);

    /** Returns the floats of the sums of some groups of inputs and a panel, with room to end them in their place. */
    public final int sumsLength(int groups) {
        return Math.ceilDiv(groups * GROUP * PANEL_ROWS, lanes()) * lanes() * lanes();
    }

    /** Returns the format whose packed inputs serve a format as well: Q4 deals out its lanes in a way of its own. */
    static WeightFormat packing(WeightFormat format) {
        return format == WeightFormat.Q4 ? WeightFormat.Q4 : WeightFormat.F32;
    }

    /**
     * Packs inputs for weights of a format: vector by vector, a vector of every input after the other,
     * {@code (vector, input, lane)}. Lane {@code l} of vector {@code v} is column {@code v * lanes + l}; with Q4 it is
     * the column whose weight is in bits {@code 4 (v mod 8)} of the 32-bit word {@code (v div 8) * lanes + l} of a row.
     * What is beyond the last column is 0.
     *
     * @param in       {@code (row, column)}
     * @param firstRow first row to pack
     * @param count    rows to pack, 1 to {@code inputs}; places of the others are filled with zeros
     * @param inputs   1, {@link #PAIR} or {@link #GROUP}
     * @param out      output of {@link #packedLength}
     */
    public final void pack(WeightFormat format, Rows in, int firstRow, int count, int inputs, MemorySegment out,
            long outOffset) {
        checkInputs(inputs);
        if (count < 1 || count > inputs) {
            throw new IllegalArgumentException(count + " rows of " + inputs);
        }
        Objects.checkFromIndexSize(firstRow, count, in.count());
        check(in.memory(), 0, (long) in.count() * in.columns());
        check(out, outOffset, packedLength(format, in.columns(), inputs));
        doPack(format, in, firstRow, count, inputs, out, outOffset);
        Reference.reachabilityFence(in);
        Reference.reachabilityFence(out);
    }

    /**
     * Packs inputs for {@link #multiply}: as {@link #pack} does, and what the format adds to that behind them.
     *
     * @param out output of {@link #inputLength}
     */
    public final void packInputs(WeightFormat format, Rows in, int firstRow, int count, int inputs, MemorySegment out,
            long outOffset) {
        check(out, outOffset, inputLength(format, in.columns(), inputs));
        pack(format, in, firstRow, count, inputs, out, outOffset);
        if (offsetsLength(format, in.columns(), inputs) > 0) {
            doPackOffsets(in.columns(), inputs, out, outOffset);
        }
        Reference.reachabilityFence(out);
    }

    /**
     * Multiplies inputs with rows of a weight: {@code out[i * outStride + r] = sum_k in[i][k] weight[firstRow + r][k]}.
     *
     * @param in      packed for the weight's format by {@link #packInputs}
     * @param inputs  inputs packed together, 1, {@link #PAIR} or {@link #GROUP}
     * @param results inputs whose results are stored, 1 to {@code inputs}
     * @param scratch memory of {@link #scratchLength} floats that no other thread uses
     */
    public final void multiply(Weight weight, int firstRow, int rows, MemorySegment in, long inOffset, int inputs,
            int results, MemorySegment out, long outOffset, long outStride, MemorySegment scratch) {
        checkInputs(inputs);
        checkWeight(weight, firstRow, rows);
        check(in, inOffset, inputLength(weight.format(), weight.columns(), inputs));
        checkResults(out, outOffset, outStride, results, inputs, rows);
        check(scratch, 0, scratchLength(weight.format(), weight.columns()));
        doMultiply(weight, firstRow, rows, in, inOffset, inputs, results, out, outOffset, outStride, scratch);
        Reference.reachabilityFence(weight);
        Reference.reachabilityFence(in);
        Reference.reachabilityFence(out);
        Reference.reachabilityFence(scratch);
    }

    /**
     * Widens rows of a weight into a panel, {@code (vector, PANEL_ROWS, lane)}, in the order of {@link #pack}; exactly,
     * but for quantized formats, where the product of number and factor is rounded once.
     *
     * @param rows    1 to {@link #PANEL_ROWS}; what is missing is 0
     * @param panel   output of {@link #panelLength}
     * @param scratch memory of {@link #scratchLength} floats that no other thread uses
     */
    public final void widen(Weight weight, int firstRow, int rows, MemorySegment panel, long panelOffset,
            MemorySegment scratch) {
        checkWeight(weight, firstRow, rows);
        if (rows > PANEL_ROWS) {
            throw new IllegalArgumentException(rows + " rows of a panel of " + PANEL_ROWS);
        }
        check(panel, panelOffset, panelLength(weight.format(), weight.columns()));
        check(scratch, 0, scratchLength(weight.format(), weight.columns()));
        doWiden(weight, firstRow, rows, panel, panelOffset, scratch);
        Reference.reachabilityFence(scratch);
        Reference.reachabilityFence(weight);
        Reference.reachabilityFence(panel);
    }

    /**
     * Multiplies a chunk of groups of inputs with the same chunk of a panel, and sets or adds to sums.
     *
     * @param in       vectors of {@link #GROUP} inputs, {@code (vector, GROUP, lane)}, of each group
     * @param inStride floats from group to group
     * @param groups   number of groups
     * @param panel    vectors of a panel, {@code (vector, PANEL_ROWS, lane)}
     * @param vectors  number of vectors: those of {@link #CHUNK_COLUMNS}, or what is left of a row
     * @param add      whether to add to the sums of the chunks before
     * @param sums     in and out, {@code (group, GROUP, PANEL_ROWS, lane)}
     * @param scratch  memory of {@link #sumsLength} floats for a group that no other thread uses
     */
    public final void multiplyPanel(MemorySegment in, long inOffset, long inStride, int groups, MemorySegment panel,
            long panelOffset, int vectors, boolean add, MemorySegment sums, long sumsOffset, MemorySegment scratch) {
        if (groups < 1 || inStride < 0) {
            throw new IllegalArgumentException(groups + " groups, " + inStride + " floats apart");
        }
        long length = (long) vectors * lanes();
        check(in, inOffset, Math.addExact(Math.multiplyExact(groups - 1L, inStride), length * GROUP));
        check(panel, panelOffset, length * PANEL_ROWS);
        check(sums, sumsOffset, sumsLength(groups));
        check(scratch, 0, sumsLength(1));
        for (int group = 0; group < groups; group++) {
            doMultiplyPanel(in, inOffset + group * inStride, panel, panelOffset, vectors, add, sums,
                    sumsOffset + (long) group * GROUP * PANEL_ROWS * lanes(), scratch);
        }
        Reference.reachabilityFence(in);
        Reference.reachabilityFence(panel);
        Reference.reachabilityFence(sums);
        Reference.reachabilityFence(scratch);
    }

    /**
     * Ends sums: {@code out[i * outStride + r]} becomes the sum of the lanes of input {@code i} and row {@code r}. The
     * sums are undefined afterwards.
     *
     * @param sums    as {@link #multiplyPanel} left them, those of one panel after the other, {@link #sumsLength}
     *                floats apart: {@code (panel, input, PANEL_ROWS, lane)}
     * @param results inputs whose results are stored, at least 1
     * @param rows    rows whose results are stored, of one panel or more
     */
    public final void store(MemorySegment sums, long sumsOffset, int results, int rows, MemorySegment out,
            long outOffset, long outStride) {
        checkResults(out, outOffset, outStride, results, results, rows);
        if (rows < 1) {
            throw new IllegalArgumentException("expected at least 1 row, found " + rows);
        }
        check(sums, sumsOffset, (long) Math.ceilDiv(rows, PANEL_ROWS) * sumsLength(Math.ceilDiv(results, GROUP)));
        doStore(sums, sumsOffset, results, rows, out, outOffset, outStride);
        Reference.reachabilityFence(sums);
        Reference.reachabilityFence(out);
    }

    abstract void doPack(WeightFormat format, Rows in, int firstRow, int count, int inputs, MemorySegment out,
            long outOffset);

    /** Returns the floats behind packed inputs. */
    abstract long offsetsLength(WeightFormat format, int columns, int inputs);

    /** Calculates what is behind packed inputs from these. */
    abstract void doPackOffsets(int columns, int inputs, MemorySegment out, long outOffset);

    abstract void doMultiply(Weight weight, int firstRow, int rows, MemorySegment in, long inOffset, int inputs,
            int results, MemorySegment out, long outOffset, long outStride, MemorySegment scratch);

    abstract void doWiden(Weight weight, int firstRow, int rows, MemorySegment panel, long panelOffset,
            MemorySegment scratch);

    abstract void doMultiplyPanel(MemorySegment in, long inOffset, MemorySegment panel, long panelOffset, int vectors,
            boolean add, MemorySegment sums, long sumsOffset, MemorySegment scratch);

    abstract void doStore(MemorySegment sums, long sumsOffset, int results, int rows, MemorySegment out,
            long outOffset, long outStride);

    private static void checkInputs(int inputs) {
        if (inputs != 1 && inputs != PAIR && inputs != GROUP) {
            throw new IllegalArgumentException(
                    inputs + " inputs packed together, expected 1, " + PAIR + " or " + GROUP);
        }
    }

    private static void checkWeight(Weight weight, int firstRow, int rows) {
        Objects.checkFromIndexSize(firstRow, rows, weight.rows());
        if (rows < 1) {
            throw new IllegalArgumentException("expected at least 1 row, found " + rows);
        }
        checkMemory(weight.data());
        if (weight.format().isQuantized()) {
            checkMemory(weight.factors());
        }
    }

    private static void checkResults(MemorySegment out, long offset, long stride, int results, int inputs, int rows) {
        if (results < 1 || results > inputs) {
            throw new IllegalArgumentException(results + " results of " + inputs + " inputs");
        }
        if (stride < 0) {
            throw new IllegalArgumentException("results " + stride + " floats apart");
        }
        check(out, offset, Math.addExact(Math.multiplyExact(results - 1L, stride), rows));
    }

    private static void check(MemorySegment segment, long offset, long length) {
        checkMemory(segment);
        Objects.checkFromIndexSize(offset, length, segment.byteSize() / Float.BYTES);
    }

    private static void checkMemory(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("expected native memory, found a segment on the heap");
        }
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("Already closed");
        }
    }
}
