// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kv;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * Pages of off-heap memory under one budget, shared by all sequences of a model.
 *
 * <p>Pages are cut from slabs; a slab is asked from the operating system when no page is free and given back when none
 * of its pages is in use (one empty slab is kept for the next sequence). So memory follows use, and never passes the
 * budget.
 *
 * <p>A step that needs pages reserves them first, all or none: what was reserved can then be taken without failing, so
 * a step never breaks off half way for lack of memory. Thread-safe.
 */
public final class PagePool implements AutoCloseable {
    private static final long SLAB_BYTES = 4L << 20;
    private static final long ALIGNMENT = 64;
    /** A small budget is cut finer, so that one pool does not hold for a page what others could use. */
    private static final int MIN_SLABS = 16;

    private final KvBudget budget;
    private final int pageBytes;
    /** All pages of the budget, whoever has them. */
    private final long capacity;
    private final int pagesPerSlab;
    private final Set<Slab> slabs = new LinkedHashSet<>();
    /** The slabs that have a free page. */
    private final ArrayDeque<Slab> available = new ArrayDeque<>();
    private int emptySlabs;
    private long held;
    /** Pages taken from the budget: those held, or those taken and reserved if they are more. */
    private long granted;
    private long reserved;
    private long taken;
    private volatile BooleanSupplier reclaimer = () -> false;
    private boolean closed;

    /**
     * A page of memory. Whoever took it owns it until it is given back. It may be {@linkplain PagePool#share shared};
     * then nobody may write to it.
     */
    public static final class Page {
        private final Slab slab;
        private final MemorySegment memory;
        /** How many have it, while it is taken. Guarded by the pool. */
        private int owners;

        private Page(Slab slab, MemorySegment memory) {
            this.slab = slab;
            this.memory = memory;
        }

        /** Returns the page's memory, {@link PagePool#pageBytes()} long, with whatever its last owner left in it. */
        public MemorySegment memory() {
            return memory;
        }
    }

    private static final class Slab {
        private final Arena arena = Arena.ofShared();
        private final ArrayDeque<Page> free = new ArrayDeque<>();
        private final int pages;

        Slab(int pages, int pageBytes) {
            this.pages = pages;
            MemorySegment memory = arena.allocate((long) pages * pageBytes, ALIGNMENT);
            for (int i = 0; i < pages; i++) {
                free.add(new Page(this, memory.asSlice((long) i * pageBytes, pageBytes)));
            }
        }

        boolean isEmpty() {
            return free.size() == pages;
        }
    }

    /**
     * Creates a pool; no memory is taken until it is needed.
     *
     * @param maxBytes  the budget in bytes, at least one page
     * @param pageBytes size of a page in bytes
     */
    public PagePool(long maxBytes, int pageBytes) {
        this(new KvBudget(maxBytes), pageBytes);
    }

    /**
     * Creates a pool of a budget that others may draw on, too; no memory is taken until it is needed.
     *
     * @param budget    at least one page
     * @param pageBytes size of a page in bytes
     */
    public PagePool(KvBudget budget, int pageBytes) {
        if (pageBytes < 1 || budget.maxBytes() < pageBytes) {
            throw new IllegalArgumentException("a key/value cache of " + budget.maxBytes()
                    + " bytes cannot hold a single page of " + pageBytes + " bytes");
        }
        this.budget = budget;
        this.pageBytes = pageBytes;
        this.capacity = budget.maxBytes() / pageBytes;
        this.pagesPerSlab = (int) Math.clamp(SLAB_BYTES / pageBytes, 1, Math.max(1, capacity / MIN_SLABS));
    }

    /** Returns the size of a page in bytes. */
    public int pageBytes() {
        return pageBytes;
    }

    /** Returns the budget in bytes, rounded down to whole pages. */
    public long maxBytes() {
        return capacity * pageBytes;
    }

    /** Returns the bytes of all pages that sequences hold now. */
    public synchronized long allocatedBytes() {
        return taken * pageBytes;
    }

    /** Returns the bytes held from the operating system now, at least {@link #allocatedBytes()}. */
    public synchronized long heldBytes() {
        return held * pageBytes;
    }

    /**
     * Sets what is asked for memory when too little is left, before a reservation fails: it gives back what nobody
     * needs now, and says whether that was anything. It is called on the thread that reserves, again until there is
     * enough or no more to give.
     */
    public void reclaimFrom(BooleanSupplier newReclaimer) {
        reclaimer = newReclaimer;
    }

    /**
     * Sets pages aside for the caller.
     *
     * @param heldBytes what the caller's sequence holds already, for the exception
     * @throws KvCacheFullException if fewer than that many are left; nothing is set aside then
     */
    public Reservation reserve(long pages, long heldBytes) {
        while (true) {
            long left;
            synchronized (this) {
                ensureOpen();
                if (grow(pages)) {
                    reserved += pages;
                    return new Reservation(pages);
                }
                left = (budget.maxBytes() - budget.takenBytes()) / pageBytes + granted - reserved - taken;
            }
            KvCacheFullException full = new KvCacheFullException(pages * pageBytes, heldBytes, left * pageBytes,
                    maxBytes());
            // Not under the pool's lock: whoever gives memory back has locks of its own.
            if (full.isBeyondBudget() || !reclaimer.getAsBoolean()) {
                throw full;
            }
        }
    }

    /** Takes what the budget must give for so many pages more, or nothing and returns false. */
    private boolean grow(long pages) {
        long more = Math.max(held, reserved + taken + pages) - granted;
        if (more > 0 && !budget.take(more * pageBytes)) {
            return false;
        }
        granted += Math.max(0, more);
        return true;
    }

    /** Gives the budget back what is neither held nor reserved. */
    private void shrink() {
        long less = granted - Math.max(held, reserved + taken);
        if (less > 0) {
            granted -= less;
            budget.giveBack(less * pageBytes);
        }
    }

    /** Returns what the pool is a part of. */
    public KvBudget budget() {
        return budget;
    }

    /** Gives memory back that is kept for the next sequence; false if there is none. */
    public synchronized boolean trim() {
        return slabs.stream().filter(Slab::isEmpty).findAny().map(empty -> {
            emptySlabs--;
            close(empty);
            return true;
        }).orElse(false);
    }

    /** Gives a page back. The caller must not touch its memory any more. */
    public synchronized void release(Page page) {
        if (--page.owners == 0) {
            taken--;
            giveBack(page);
        }
    }

    /** Takes a page that another has, together with it: each gives it back, and it counts once. */
    public synchronized Page share(Page page) {
        ensureOpen();
        page.owners++;
        return page;
    }

    /** Whether more than one have a page. */
    public synchronized boolean isShared(Page page) {
        return page.owners > 1;
    }

    /**
     * Returns the bytes that would be free if some owners of pages gave them back: those of pages that nobody else has.
     *
     * @param pages what these owners have, a page once for each of them; read before this returns
     */
    public synchronized long bytesOnlyOf(Stream<Page> pages) {
        Map<Page, Integer> shared = new HashMap<>(); // pages are equal to themselves only
        long only = pages.filter(page -> page.owners <= 1 || shared.merge(page, 1, Integer::sum) == page.owners)
                .count();
        return only * pageBytes;
    }

    /**
     * Frees all memory. Pages still held become unusable: access to them fails with an {@link IllegalStateException}.
     */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            slabs.forEach(slab -> slab.arena.close());
            slabs.clear();
            available.clear();
            held = 0;
            budget.giveBack(granted * pageBytes);
            granted = 0;
        }
    }

    private synchronized Page take() {
        ensureOpen();
        if (available.isEmpty()) {
            addSlab(); // may fail for lack of memory; nothing is counted yet
        }
        reserved--;
        taken++;
        Slab slab = available.peek();
        if (slab.isEmpty()) {
            emptySlabs--;
        }
        Page page = slab.free.pop();
        page.owners = 1;
        if (slab.free.isEmpty()) {
            available.pop();
        }
        return page;
    }

    private void addSlab() {
        // All held pages are in use, and a reservation exists: at least one page was granted for it.
        long reservedPages = Math.min(pagesPerSlab, granted - held);
        long more = budget.takeUpTo(pagesPerSlab - reservedPages, pageBytes);
        granted += more;
        Slab slab;
        try {
            slab = new Slab((int) (reservedPages + more), pageBytes);
        } catch (OutOfMemoryError e) {
            shrink();
            throw e;
        }
        slabs.add(slab);
        available.push(slab);
        emptySlabs++;
        held += slab.pages;
    }

    private void giveBack(Page page) {
        if (closed) {
            return;
        }
        Slab slab = page.slab;
        if (slab.free.isEmpty()) {
            available.push(slab);
        }
        slab.free.push(page);
        if (slab.isEmpty() && ++emptySlabs > 1) {
            emptySlabs--;
            close(slab);
        }
        shrink();
    }

    private void close(Slab slab) {
        slabs.remove(slab);
        available.remove(slab);
        held -= slab.pages;
        slab.arena.close();
        shrink();
    }

    private void ensureOpen() {
        if (closed) {
            throw new IllegalStateException("the key/value cache is closed: its model was closed");
        }
    }

    /**
     * Pages set aside for one step. Not thread-safe; close it when the step is over, and what was not taken is free
     * again.
     */
    public final class Reservation implements AutoCloseable {
        private long pages;

        private Reservation(long pages) {
            this.pages = pages;
        }

        /** Returns the pages that can still be taken. */
        public long remaining() {
            return pages;
        }

        /**
         * Takes one of the reserved pages.
         *
         * @throws IllegalStateException if none is left: the caller reserved too few
         */
        public Page take() {
            if (pages == 0) {
                throw new IllegalStateException("more pages taken than reserved");
            }
            Page page = PagePool.this.take();
            pages--;
            return page;
        }

        /**
         * Gives a page back to this reservation, to be taken again within the step.
         *
         * @throws IllegalStateException if it is shared
         */
        public void giveBack(Page page) {
            synchronized (PagePool.this) {
                if (page.owners > 1) {
                    throw new IllegalStateException("a shared page cannot be taken again within the step");
                }
                page.owners = 0;
                taken--;
                reserved++;
                PagePool.this.giveBack(page);
            }
            pages++;
        }

        @Override
        public void close() {
            synchronized (PagePool.this) {
                reserved -= pages;
                shrink();
            }
            pages = 0;
        }
    }
}
