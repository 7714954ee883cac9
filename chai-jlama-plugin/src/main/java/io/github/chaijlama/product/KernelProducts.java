// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.product;

import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

import io.github.chaijlama.kernel.Rows;
import io.github.chaijlama.parallel.WorkerPool;
import io.github.chaijlama.weight.Weight;
import io.github.chaijlama.weight.WeightFormat;

import static io.github.chaijlama.product.ProductKernels.GROUP;
import static io.github.chaijlama.product.ProductKernels.PAIR;
import static io.github.chaijlama.product.ProductKernels.PANEL_ROWS;

/**
 * Matrix products by kernels of ours. Weights of any format are read as they are stored. A few inputs are multiplied
 * with the weight as it is read; for many, threads widen some rows of a weight into a panel that stays in their core's
 * second cache, and use it for all inputs. Results are the same to the bit either way, see {@link ProductKernels};
 * where they are not, panels are for rows of prompts, however few, and all other rows are multiplied without.
 */
public final class KernelProducts implements MatrixProducts {
    /** Multiply-adds below which a parallel region costs more than it saves. */
    private static final long PARALLEL_WORK = 1 << 15;
    /** Inputs from which on widening pays (docs/benchmarks.md). */
    private static final int MANY_INPUTS = GROUP + PAIR + 1;
    /** Rows per task with few inputs: a multiple of what kernels read side by side, and a share of every thread's. */
    private static final int TASK_ROWS = 48;
    private static final int MOST_PANELS = 16;
    private static final long PANEL_BYTES = 1 << 20;
    /** Groups of inputs whose sums stay in the second cache beside the panels. */
    private static final int CHUNK_GROUPS = 12;
    /** Tasks that a thread gets at least, if there is enough to do: threads differ in speed. */
    private static final int TASKS_PER_THREAD = 4;

    private final ProductKernels kernels;
    private final WorkerPool workers;
    private final boolean arePrompts;
    private Optional<KernelProducts> forPrompts = Optional.empty();
    private final Map<WeightFormat, ProductMemory> packed = new EnumMap<>(WeightFormat.class);
    /** One for each worker: products are calculated one call at a time. */
    private final ProductMemory[] scratch;

    /**
     * Creates the products of a model.
     *
     * @param workers threads of a parallel region
     */
    public KernelProducts(ProductKernels kernels, WorkerPool workers) {
        this(kernels, workers, false);
    }

    private KernelProducts(ProductKernels kernels, WorkerPool workers, boolean arePrompts) {
        this.kernels = kernels;
        this.workers = workers;
        this.arePrompts = arePrompts;
        this.scratch = ProductMemory.ofThreads(workers.threads());
    }

    @Override
    public String description() {
        return kernels.description();
    }

    @Override
    public Set<WeightFormat> formats() {
        return EnumSet.allOf(WeightFormat.class);
    }

    @Override
    public MatrixProducts forPrompts(Set<WeightFormat> formats) {
        if (arePrompts || formats.stream().noneMatch(kernels::sumsBlocks)) {
            return this;
        }
        KernelProducts others = forPrompts.orElseGet(() -> new KernelProducts(kernels, workers, true));
        forPrompts = Optional.of(others);
        return others;
    }

    private boolean areWidened(WeightFormat format, int inputs) {
        return kernels.sumsBlocks(format) ? arePrompts : inputs >= MANY_INPUTS;
    }

    @Override
    public void multiply(Rows input, List<Product> products) {
        long work = 0;
        boolean panels = false;
        for (Product product : products) {
            requireFits(input, product);
            work += (long) input.count() * input.columns() * product.rows();
            panels |= areWidened(product.weight().format(), input.count());
        }
        boolean parallel = work >= PARALLEL_WORK;
        Map<WeightFormat, MemorySegment> in = new EnumMap<>(WeightFormat.class);
        for (Product product : products) {
            in.computeIfAbsent(ProductKernels.packing(product.weight().format()),
                    format -> pack(format, input, parallel));
        }
        int taskRows = panels ? panels(input.columns(), products) * PANEL_ROWS : TASK_ROWS;
        int tasks = 0;
        for (Product product : products) {
            tasks += Math.ceilDiv(product.rows(), taskRows);
        }
        run(tasks, parallel, (task, worker) -> {
            Product product = part(products, taskRows, task);
            WeightFormat format = product.weight().format();
            MemorySegment packedInput = Objects.requireNonNull(in.get(ProductKernels.packing(format)));
            if (areWidened(format, input.count())) {
                multiplyPanels(packedInput, input, product, scratch[worker]);
            } else {
                multiplyRows(packedInput, input, product, scratch[worker]);
            }
        });
    }

    static void requireFits(Rows input, Product product) {
        long end = (long) product.firstRow() + product.rows();
        if (product.weight().columns() != input.columns() || product.result().count() != input.count()
                || product.firstRow() < 0 || product.rows() < 1 || end > product.weight().rows()
                || end > product.result().columns()) {
            throw new IllegalArgumentException("input (" + input.count() + ", " + input.columns() + "), weight ("
                    + product.weight().rows() + ", " + product.weight().columns() + "), result ("
                    + product.result().count() + ", " + product.result().columns() + "), rows "
                    + product.firstRow() + " to " + (end - 1));
        }
    }

    private void run(int tasks, boolean parallel, WorkerPool.Task task) {
        if (parallel) {
            workers.run(tasks, task);
        } else {
            for (int i = 0; i < tasks; i++) {
                task.run(i, 0);
            }
        }
    }

    /** Returns how many inputs are packed together from one on: a group, or at the end what is left, if it is less. */
    private static int together(Rows input, int first) {
        int left = input.count() - first;
        return left > PAIR ? GROUP : left;
    }

    private MemorySegment pack(WeightFormat format, Rows input, boolean parallel) {
        boolean widened = areWidened(format, input.count());
        int groups = Math.ceilDiv(input.count(), GROUP);
        long length = widened ? kernels.packedLength(format, input.columns(), GROUP)
                : kernels.inputLength(format, input.columns(), GROUP);
        MemorySegment out = packed.computeIfAbsent(format, _ -> new ProductMemory()).floats(groups * length);
        run(groups, parallel, (group, worker) -> {
            int first = group * GROUP;
            int count = Math.min(GROUP, input.count() - first);
            if (widened) {
                kernels.pack(format, input, first, count, GROUP, out, group * length);
            } else {
                kernels.packInputs(format, input, first, count, together(input, first), out, group * length);
            }
        });
        return out;
    }

    /** Returns how many panels a task works on: as many as fit into its cache, and leave every thread some tasks. */
    private int panels(int columns, List<Product> products) {
        int all = 0;
        for (Product product : products) {
            all += Math.ceilDiv(product.rows(), PANEL_ROWS);
        }
        long fitting = PANEL_BYTES / ((long) columns * PANEL_ROWS * Float.BYTES);
        int fair = Math.ceilDiv(all, TASKS_PER_THREAD * workers.threads());
        return Math.clamp(Math.min(fitting, fair), 1, MOST_PANELS);
    }

    /** Returns the part of the products that a task calculates: some rows of one of them. */
    static Product part(List<Product> products, int taskRows, int task) {
        int left = task;
        int index = 0;
        while (left >= Math.ceilDiv(products.get(index).rows(), taskRows)) {
            left -= Math.ceilDiv(products.get(index++).rows(), taskRows);
        }
        Product whole = products.get(index);
        int first = left * taskRows;
        return new Product(whole.result(), whole.weight(), whole.firstRow() + first,
                Math.min(taskRows, whole.rows() - first));
    }

    private void multiplyRows(MemorySegment in, Rows input, Product product, ProductMemory own) {
        Weight weight = product.weight();
        Rows result = product.result();
        long length = kernels.inputLength(weight.format(), weight.columns(), GROUP);
        MemorySegment memory = own.floats(kernels.scratchLength(weight.format(), weight.columns()));
        for (int row = 0; row < input.count(); row += GROUP) {
            kernels.multiply(weight, product.firstRow(), product.rows(), in, row / GROUP * length,
                    together(input, row), Math.min(GROUP, input.count() - row), result.memory(),
                    result.at(row) + product.firstRow(), result.columns(), memory);
        }
    }

    private void multiplyPanels(MemorySegment in, Rows input, Product product, ProductMemory own) {
        Weight weight = product.weight();
        int panels = Math.ceilDiv(product.rows(), PANEL_ROWS);
        long panelLength = kernels.panelLength(weight.format(), weight.columns());
        long panelsAt = kernels.scratchLength(weight.format(), weight.columns());
        long sumsAt = panelsAt + panels * panelLength;
        MemorySegment memory = own.floats(sumsAt + (long) panels * kernels.sumsLength(CHUNK_GROUPS));
        for (int panel = 0; panel < panels; panel++) {
            int row = panel * PANEL_ROWS;
            kernels.widen(weight, product.firstRow() + row, Math.min(PANEL_ROWS, product.rows() - row), memory,
                    panelsAt + panel * panelLength, memory);
        }
        int groups = Math.ceilDiv(input.count(), GROUP);
        for (int group = 0; group < groups; group += CHUNK_GROUPS) {
            int count = Math.min(CHUNK_GROUPS, groups - group);
            multiplyChunk(in, weight, group, count, panels, memory, panelsAt, sumsAt);
            store(memory, sumsAt, input, product, group, count);
        }
    }

    private void multiplyChunk(MemorySegment in, Weight weight, int group, int count, int panels,
            MemorySegment memory, long panelsAt, long sumsAt) {
        int lanes = kernels.lanes();
        int vectors = kernels.vectors(weight.format(), weight.columns());
        long panelLength = (long) vectors * lanes * PANEL_ROWS;
        long groupLength = (long) vectors * lanes * GROUP;
        int step = ProductKernels.CHUNK_COLUMNS / lanes;
        for (int vector = 0; vector < vectors; vector += step) {
            for (int panel = 0; panel < panels; panel++) {
                kernels.multiplyPanel(in, group * groupLength + (long) vector * lanes * GROUP, groupLength, count,
                        memory, panelsAt + panel * panelLength + (long) vector * lanes * PANEL_ROWS,
                        Math.min(step, vectors - vector), vector > 0, memory,
                        sumsAt + (long) panel * kernels.sumsLength(count), memory);
            }
        }
    }

    private void store(MemorySegment memory, long sumsAt, Rows input, Product product, int group, int count) {
        Rows result = product.result();
        int first = group * GROUP;
        kernels.store(memory, sumsAt, Math.min(count * GROUP, input.count() - first), product.rows(), result.memory(),
                result.at(first) + product.firstRow(), result.columns());
    }

    @Override
    public void close() {
        forPrompts.ifPresent(KernelProducts::close);
        packed.values().forEach(ProductMemory::close);
        for (ProductMemory own : scratch) {
            own.close();
        }
    }
}
