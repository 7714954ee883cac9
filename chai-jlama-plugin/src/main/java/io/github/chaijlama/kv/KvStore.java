// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kv;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import io.github.chaijlama.kv.PagePool.Page;
import io.github.chaijlama.kv.PagePool.Reservation;

/**
 * The keys and values of one sequence, {@code (layer, kvHead, position, headSize)} of one {@link KvType}.
 *
 * <p>A page belongs to one layer, one KV head, and to keys or values, and holds {@link #rowsPerPage} positions as
 * contiguous rows. Pages of a pool are of one size, whatever the types of the sequences that share it: smaller rows are
 * more to a page. So a head's keys can be dropped and their memory goes back to the pool at once. Not thread-safe: a
 * store belongs to one sequence, and a sequence takes one step at a time.
 */
public final class KvStore implements AutoCloseable {
    private final PagePool pool;
    private final KvType type;
    private final Layer[] layers;

    /** The pages of one layer from the first that it still has; there are none of keys that are not kept. */
    private static final class Layer {
        private final int numberOfKvHeads;
        private final int rowBytes;
        private final int rowsPerPage;
        private final boolean[] keepsKeys;
        private final Page[][] keys;
        private final Page[][] values;
        private int keptKeyHeads;
        private int firstPage;
        private int length;

        Layer(KvRows rows, KvType type, int pageBytes) {
            numberOfKvHeads = rows.kvHeads();
            rowBytes = type.rowBytes(rows.headSize());
            rowsPerPage = pageBytes / rowBytes;
            if (rowsPerPage == 0) {
                throw new IllegalArgumentException(
                        "pages of " + pageBytes + " bytes do not hold a row of " + rowBytes + " bytes");
            }
            keepsKeys = new boolean[numberOfKvHeads];
            keys = new Page[numberOfKvHeads][0];
            values = new Page[numberOfKvHeads][0];
            keepAllKeys();
        }

        long pagesFor(int positions) {
            return (positions + rowsPerPage - 1L) / rowsPerPage;
        }

        void keepAllKeys() {
            Arrays.fill(keepsKeys, true);
            keptKeyHeads = keepsKeys.length;
        }
    }

    /**
     * Creates an empty store.
     *
     * @param pool   a pool whose pages hold at least one row
     * @param layers what each layer keeps
     */
    public KvStore(PagePool pool, List<KvRows> layers, KvType type) {
        this.pool = pool;
        this.type = type;
        this.layers = layers.stream().map(rows -> new Layer(rows, type, pool.pageBytes())).toArray(Layer[]::new);
    }

    /** Returns how rows are stored. */
    public KvType type() {
        return type;
    }

    /** Returns the positions a page of a layer holds. */
    public int rowsPerPage(int layer) {
        return layers[layer].rowsPerPage;
    }

    /** Returns the positions stored in a layer, 0 to {@code length - 1}. */
    public int length(int layer) {
        return layers[layer].length;
    }

    /** Returns the first position that a layer still has. */
    public int firstPosition(int layer) {
        return layers[layer].firstPage * layers[layer].rowsPerPage;
    }

    /** Returns how many pages at the beginning of each head a layer has no more. */
    public int forgottenPages(int layer) {
        return layers[layer].firstPage;
    }

    /** Whether the layer keeps the keys of this KV head. */
    public boolean keepsKeys(int layer, int kvHead) {
        return layers[layer].keepsKeys[kvHead];
    }

    /** Returns how many pages one head of a layer needs for that many positions. */
    public long pagesFor(int layer, int positions) {
        return layers[layer].pagesFor(positions);
    }

    /** Returns the pages of keys and values of all heads of all layers for that many positions. */
    public long pagesForAll(int positions) {
        return Arrays.stream(layers).mapToLong(layer -> 2L * layer.numberOfKvHeads * layer.pagesFor(positions)).sum();
    }

    /**
     * Makes room in a layer for positions up to {@code length} and declares them stored; the caller writes their rows.
     * Takes pages for the values of every head and the keys of the heads that are kept.
     */
    public void extend(int layer, int length, Reservation reservation) {
        Layer at = layers[layer];
        int pages = (int) at.pagesFor(length) - at.firstPage;
        ownLastPages(at, reservation);
        for (int kvHead = 0; kvHead < at.numberOfKvHeads; kvHead++) {
            at.values[kvHead] = extend(at.values[kvHead], pages, reservation);
            if (at.keepsKeys[kvHead]) {
                at.keys[kvHead] = extend(at.keys[kvHead], pages, reservation);
            }
        }
        at.length = length;
    }

    /**
     * Returns how many pages {@link #extend} takes for all layers beyond those of new positions: the last ones, where
     * they are partly filled and shared, are copied before they are written to.
     */
    public long sharedLastPages() {
        long shared = 0;
        for (Layer layer : layers) {
            int page = layer.length / layer.rowsPerPage - layer.firstPage;
            for (int kvHead = 0; kvHead < layer.numberOfKvHeads && layer.length % layer.rowsPerPage != 0; kvHead++) {
                shared += isShared(layer.values[kvHead], page) ? 1 : 0;
                shared += isShared(layer.keys[kvHead], page) ? 1 : 0;
            }
        }
        return shared;
    }

    private boolean isShared(Page[] pages, int page) {
        return page < pages.length && pool.isShared(pages[page]);
    }

    private void ownLastPages(Layer at, Reservation reservation) {
        if (at.length % at.rowsPerPage != 0) {
            int page = at.length / at.rowsPerPage - at.firstPage;
            for (int kvHead = 0; kvHead < at.numberOfKvHeads; kvHead++) {
                own(at.values[kvHead], page, reservation);
                own(at.keys[kvHead], page, reservation);
            }
        }
    }

    private void own(Page[] pages, int page, Reservation reservation) {
        if (isShared(pages, page)) {
            Page copy = reservation.take();
            copy.memory().copyFrom(pages[page].memory());
            pool.release(pages[page]);
            pages[page] = copy;
        }
    }

    private static Page[] extend(Page[] pages, int count, Reservation reservation) {
        if (pages.length >= count) {
            return pages;
        }
        Page[] extended = Arrays.copyOf(pages, count);
        int taken = pages.length;
        try {
            while (taken < count) {
                extended[taken] = reservation.take();
                taken++;
            }
        } catch (RuntimeException | Error e) {
            // The operating system has no more memory, or the pool was closed: what was taken is not lost.
            while (taken > pages.length) {
                reservation.giveBack(extended[--taken]);
            }
            throw e;
        }
        return extended;
    }

    /**
     * Stops keeping the keys of a head and gives their memory to the reservation of the step that decided it.
     *
     * @param reservation empty between steps; the memory then goes back to the pool
     */
    public void dropKeys(int layer, int kvHead, Optional<Reservation> reservation) {
        Layer at = layers[layer];
        if (at.keepsKeys[kvHead]) {
            for (Page page : at.keys[kvHead]) {
                reservation.ifPresentOrElse(step -> step.giveBack(page), () -> pool.release(page));
            }
            at.keys[kvHead] = new Page[0];
            at.keepsKeys[kvHead] = false;
            at.keptKeyHeads--;
        }
    }

    /** Returns how many pages {@link #copyFrom} takes: those that are not whole are copied, the others shared. */
    public long pagesForCopy(KvStore source, int length) {
        long pages = 0;
        for (Layer layer : source.layers) {
            pages += length % layer.rowsPerPage == 0 ? 0 : layer.numberOfKvHeads + layer.keptKeyHeads;
        }
        return pages;
    }

    /**
     * Forgets the positions of a layer before {@code position}, as far as they fill pages, and gives their memory to
     * the reservation of the step: nothing will read them again. Pages that another store has too stay that one's.
     */
    public void forget(int layer, int position, Reservation reservation) {
        Layer at = layers[layer];
        int pages = Math.min(position, at.length) / at.rowsPerPage - at.firstPage;
        if (pages > 0) {
            for (int kvHead = 0; kvHead < at.numberOfKvHeads; kvHead++) {
                at.values[kvHead] = withoutFirst(at.values[kvHead], pages, reservation);
                at.keys[kvHead] = withoutFirst(at.keys[kvHead], pages, reservation);
            }
            at.firstPage += pages;
        }
    }

    private Page[] withoutFirst(Page[] pages, int count, Reservation reservation) {
        if (pages.length < count) {
            return pages; // keys that are not kept
        }
        for (int page = 0; page < count; page++) {
            if (pool.isShared(pages[page])) {
                pool.release(pages[page]);
            } else {
                reservation.giveBack(pages[page]);
            }
        }
        return Arrays.copyOfRange(pages, count, pages.length);
    }

    /**
     * Takes over the first {@code length} positions of every layer, but those {@linkplain #forget forgotten}, from a
     * store of the same shape and type, which keeps the keys of the same heads. Whole pages are shared until one of
     * both writes to them. This store must be empty.
     */
    public void copyFrom(KvStore source, int length, Reservation reservation) {
        for (int layer = 0; layer < layers.length; layer++) {
            Layer at = layers[layer];
            Layer from = source.layers[layer];
            int whole = length / from.rowsPerPage - from.firstPage;
            int pages = (int) from.pagesFor(length) - from.firstPage;
            at.firstPage = from.firstPage;
            for (int kvHead = 0; kvHead < from.numberOfKvHeads; kvHead++) {
                at.values[kvHead] = copyOf(from.values[kvHead], whole, pages, reservation);
                if (at.keepsKeys[kvHead]) {
                    at.keys[kvHead] = copyOf(from.keys[kvHead], whole, pages, reservation);
                }
            }
            at.length = length;
        }
    }

    private Page[] copyOf(Page[] source, int whole, int count, Reservation reservation) {
        Page[] pages = new Page[count];
        for (int page = 0; page < count; page++) {
            if (page < whole) {
                pages[page] = pool.share(source[page]);
            } else {
                pages[page] = reservation.take();
                pages[page].memory().copyFrom(source[page].memory());
            }
        }
        return pages;
    }

    /**
     * Forgets positions from {@code length} on in every layer and returns their memory to the pool. Layers that have
     * {@linkplain #forget forgotten} what came before are as new.
     */
    public void truncate(int length) {
        for (Layer layer : layers) {
            int pages = Math.max(0, (int) layer.pagesFor(length) - layer.firstPage);
            for (int kvHead = 0; kvHead < layer.numberOfKvHeads; kvHead++) {
                layer.values[kvHead] = shorten(layer.values[kvHead], pages);
                layer.keys[kvHead] = shorten(layer.keys[kvHead], pages);
            }
            layer.length = Math.min(layer.length, length);
            layer.firstPage = Math.min(layer.firstPage, length / layer.rowsPerPage);
        }
    }

    /** Forgets everything: the store is as new, keeping the keys of every head. */
    public void clear() {
        truncate(0);
        for (Layer layer : layers) {
            layer.keepAllKeys();
        }
    }

    private Page[] shorten(Page[] pages, int count) {
        if (pages.length <= count) {
            return pages;
        }
        for (int i = count; i < pages.length; i++) {
            pool.release(pages[i]);
        }
        return Arrays.copyOf(pages, count);
    }

    /** Returns the memory of a page of keys of a layer, rows {@code page * rowsPerPage} and on. */
    public MemorySegment keys(int layer, int kvHead, int page) {
        return layers[layer].keys[kvHead][page - layers[layer].firstPage].memory();
    }

    /** Returns the memory of a page of values, rows {@code page * rowsPerPage} and on. */
    public MemorySegment values(int layer, int kvHead, int page) {
        return layers[layer].values[kvHead][page - layers[layer].firstPage].memory();
    }

    /** Returns the offset, in bytes, of a position's row within its page of a layer. */
    public long rowAt(int layer, int position) {
        return (long) (position % layers[layer].rowsPerPage) * layers[layer].rowBytes;
    }

    /**
     * Returns the bytes of the rows stored: over all layers, positions it still has times (K heads kept now + KV heads)
     * times the bytes of a row.
     */
    public long usedBytes() {
        long bytes = 0;
        for (Layer layer : layers) {
            long positions = layer.length - (long) layer.firstPage * layer.rowsPerPage;
            bytes += positions * (layer.keptKeyHeads + layer.numberOfKvHeads) * layer.rowBytes;
        }
        return bytes;
    }

    /** Returns the bytes of the pages held, those included that other stores have too. */
    public long allocatedBytes() {
        return pages().count() * pool.pageBytes();
    }

    /** Returns the bytes of the pages that no other store has: as much as {@link #clear} returns to the pool. */
    public long ownBytes() {
        return pages().filter(page -> !pool.isShared(page)).count() * pool.pageBytes();
    }

    /** Returns the pages held, those included that other stores have too. */
    public Stream<Page> pages() {
        return Arrays.stream(layers).flatMap(layer -> Stream.concat(Arrays.stream(layer.values),
                Arrays.stream(layer.keys))).flatMap(Arrays::stream);
    }

    /** Returns all memory to the pool. */
    @Override
    public void close() {
        clear();
    }
}
