// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kv;

import java.util.Collections;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.kv.PagePool.Reservation;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class KvStoreTests {
    private static final int LAYERS = 2;
    private static final int KV_HEADS = 3;
    private static final int HEAD_SIZE = 16;
    private static final long ROW = HEAD_SIZE * Float.BYTES;
    private static final List<KvRows> ROWS = Collections.nCopies(LAYERS, new KvRows(KV_HEADS, HEAD_SIZE));

    private final PagePool pool = new PagePool(64L << 20, KvRows.pageBytes(ROWS));
    private final KvStore store = new KvStore(pool, ROWS, KvType.F32);

    @AfterEach
    void close() {
        store.close();
        assertThat(pool.allocatedBytes()).isZero();
        pool.close();
    }

    private void extend(int length) {
        try (Reservation reservation = pool.reserve(100, 0)) {
            for (int layer = 0; layer < LAYERS; layer++) {
                store.extend(layer, length, reservation);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 2, 16, 24, 32, 64, 72, 80, 96, 100, 128, 192, 256, 512 })
    void pagesHoldAPowerOfTwoOf32BitRows(int headSize) {
        int rows = new KvRows(1, headSize).pageBytes() / (headSize * Float.BYTES);
        assertThat(Integer.bitCount(rows)).isEqualTo(1);
        assertThat(rows).isBetween(16, 128);
        assertThat(rows * headSize * Float.BYTES).isEqualTo(new KvRows(1, headSize).pageBytes());
    }

    /** A page holds more rows of a layer whose rows are shorter; every layer counts its own. */
    @Test
    void layersMayHaveRowsOfTheirOwn() {
        List<KvRows> rows = List.of(new KvRows(2, 16), new KvRows(1, 64));
        try (PagePool mixed = new PagePool(1 << 20, KvRows.pageBytes(rows));
                KvStore of = new KvStore(mixed, rows, KvType.F32);
                KvStore copy = new KvStore(mixed, rows, KvType.F32);
                Reservation reservation = mixed.reserve(30, 0)) {
            assertThat(mixed.pageBytes()).isEqualTo(16384);
            assertThat(of.rowsPerPage(0)).isEqualTo(256);
            assertThat(of.rowsPerPage(1)).isEqualTo(64);
            of.extend(0, 300, reservation);
            of.extend(1, 300, reservation);
            assertThat(of.usedBytes()).isEqualTo(300 * (4 * 16 + 2 * 64) * 4L);
            assertThat(of.allocatedBytes()).isEqualTo((4 * 2 + 2 * 5) * 16384).isEqualTo(of.pagesForAll(300) * 16384);
            of.keys(1, 0, 4).set(JAVA_FLOAT, of.rowAt(1, 270), 7);
            assertThat(of.rowAt(1, 270)).isEqualTo((270 - 256) * 64 * 4L);
            assertThat(of.rowAt(0, 270)).isEqualTo((270 - 256) * 16 * 4L);
            assertThat(copy.pagesForCopy(of, 256)).isZero();
            assertThat(copy.pagesForCopy(of, 192)).as("part of a page of the first layer").isEqualTo(4);
            copy.copyFrom(of, 300, reservation);
            assertThat(copy.keys(1, 0, 4).get(JAVA_FLOAT, copy.rowAt(1, 270))).isEqualTo(7);
            of.forget(0, 200, reservation);
            of.forget(1, 200, reservation);
            assertThat(of.firstPosition(0)).isZero();
            assertThat(of.firstPosition(1)).isEqualTo(192);
            of.truncate(250);
            assertThat(of.usedBytes()).isEqualTo((250 * 4 * 16 + (250 - 192) * 2 * 64) * 4L);
        }
    }

    @Test
    void bytesFollowTheFormula() {
        extend(130);

        assertThat(store.usedBytes()).isEqualTo(LAYERS * 130 * (KV_HEADS + KV_HEADS) * ROW);
        assertThat(store.allocatedBytes()).isEqualTo(LAYERS * 2L * 2 * KV_HEADS * pool.pageBytes());
        assertThat(pool.allocatedBytes()).isEqualTo(store.allocatedBytes());
    }

    @Test
    void rowsStayWhereTheyWereWritten() {
        extend(300);
        for (int position = 0; position < 300; position++) {
            int page = position / store.rowsPerPage(0);
            for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
                store.keys(1, kvHead, page).set(JAVA_FLOAT, store.rowAt(0, position), position * 10 + kvHead);
                store.values(1, kvHead, page).set(JAVA_FLOAT, store.rowAt(0, position), -position);
            }
        }
        extend(700);
        for (int position = 0; position < 300; position++) {
            int page = position / store.rowsPerPage(0);
            for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
                assertThat(store.keys(1, kvHead, page).get(JAVA_FLOAT, store.rowAt(0, position)))
                        .isEqualTo(position * 10 + kvHead);
            }
        }
    }

    @Test
    void droppedKeysReturnTheirMemoryAtOnce() {
        extend(200);
        long before = pool.allocatedBytes();
        try (Reservation reservation = pool.reserve(1, 0)) {
            store.dropKeys(0, 1, Optional.of(reservation));
            store.dropKeys(0, 1, Optional.of(reservation));
        }
        assertThat(pool.allocatedBytes()).isEqualTo(before - 2L * pool.pageBytes());
        assertThat(store.usedBytes()).isEqualTo((200L * 5 + 200 * 6) * ROW);
        assertThat(store.keepsKeys(0, 1)).isFalse();
        assertThat(store.keepsKeys(1, 1)).isTrue();
        extend(300);
        assertThat(store.usedBytes()).isEqualTo((300L * 5 + 300 * 6) * ROW);
        assertThat(store.keepsKeys(0, 1)).isFalse();
    }

    @Test
    void truncateReturnsWholePagesAndClearRestoresDroppedHeads() {
        extend(500);
        try (Reservation reservation = pool.reserve(1, 0)) {
            store.dropKeys(0, 2, Optional.of(reservation));
        }
        store.truncate(129);
        assertThat(store.length(0)).isEqualTo(129);
        assertThat(pool.allocatedBytes()).isEqualTo(2L * (5 + 6) * pool.pageBytes());
        store.clear();
        assertThat(pool.allocatedBytes()).isZero();
        assertThat(store.keepsKeys(0, 2)).isTrue();
        extend(10);
        assertThat(store.usedBytes()).isEqualTo(10L * 12 * ROW);
    }

    @ParameterizedTest
    @EnumSource
    void smallerRowsAreMoreToAPage(KvType type) {
        try (KvStore typed = new KvStore(pool, List.of(new KvRows(1, HEAD_SIZE)), type);
                Reservation reservation = pool.reserve(8, 0)) {
            assertThat(typed.type()).isEqualTo(type);
            int bytes = switch (type) {
                case F32 -> 64;
                case BF16 -> 32;
                case I8 -> 20;
            };
            assertThat(typed.rowsPerPage(0)).isEqualTo(pool.pageBytes() / bytes);
            typed.extend(0, 300, reservation);
            assertThat(typed.usedBytes()).isEqualTo(2L * 300 * bytes);
            assertThat(typed.allocatedBytes()).isEqualTo(2 * typed.pagesFor(0, 300) * pool.pageBytes());
            assertThat(typed.rowAt(0, typed.rowsPerPage(0) + 3)).isEqualTo(3L * bytes);
        }
    }

    @Test
    void refusesPagesThatDoNotHoldARow() {
        assertThatThrownBy(() -> new KvStore(pool, List.of(new KvRows(1, 1 << 20)), KvType.F32))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("do not hold a row of 4194304 bytes");
    }

    /** Writes a number into every row from {@code first} on. */
    private static void write(KvStore to, int first, int length, float number) {
        for (int layer = 0; layer < LAYERS; layer++) {
            for (int position = first; position < length; position++) {
                for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
                    int page = position / to.rowsPerPage(0);
                    to.keys(layer, kvHead, page).set(JAVA_FLOAT, to.rowAt(0, position), number + position);
                    to.values(layer, kvHead, page).set(JAVA_FLOAT, to.rowAt(0, position), -number - position);
                }
            }
        }
    }

    private static void assertRows(KvStore of, int first, int length, float number) {
        for (int layer = 0; layer < LAYERS; layer++) {
            for (int position = first; position < length; position++) {
                for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
                    int page = position / of.rowsPerPage(0);
                    assertThat(of.keys(layer, kvHead, page).get(JAVA_FLOAT, of.rowAt(0, position)))
                            .isEqualTo(number + position);
                    assertThat(of.values(layer, kvHead, page).get(JAVA_FLOAT, of.rowAt(0, position)))
                            .isEqualTo(-number - position);
                }
            }
        }
    }

    private void extend(KvStore extended, int length, long pages) {
        try (Reservation reservation = pool.reserve(pages, 0)) {
            for (int layer = 0; layer < LAYERS; layer++) {
                extended.extend(layer, length, reservation);
            }
            assertThat(reservation.remaining()).isZero();
        }
    }

    @Test
    void aCopySharesWholePagesUntilOneOfBothWrites() {
        int rows = store.rowsPerPage(0);
        long heads = LAYERS * 2L * KV_HEADS;
        extend(3 * rows);
        write(store, 0, 3 * rows, 1);
        long alone = pool.allocatedBytes();
        try (KvStore copy = new KvStore(pool, ROWS, KvType.F32)) {
            int common = 2 * rows + 5;
            assertThat(copy.pagesForCopy(store, common)).isEqualTo(heads);
            try (Reservation reservation = pool.reserve(heads, 0)) {
                copy.copyFrom(store, common, reservation);
                assertThat(reservation.remaining()).isZero();
            }
            assertThat(pool.allocatedBytes()).as("a page each of its own").isEqualTo(alone + heads * pool.pageBytes());
            assertThat(copy.sharedLastPages()).isZero();
            extend(copy, 2 * rows + 50, 0);
            write(copy, common, 2 * rows + 50, 1000);
            assertRows(copy, 0, common, 1);
            assertRows(store, 0, 3 * rows, 1);

            // Both are cut back into a page they share, and go on in different ways.
            copy.truncate(rows + 7);
            store.truncate(rows + 3);
            assertThat(copy.sharedLastPages()).isEqualTo(heads);
            assertThat(store.sharedLastPages()).isEqualTo(heads);
            extend(copy, rows + 20, heads);
            write(copy, rows + 7, rows + 20, 2000);
            assertThat(store.sharedLastPages()).as("the other one has a copy now").isZero();
            extend(store, rows + 20, 0);
            write(store, rows + 3, rows + 20, 3000);
            assertRows(copy, 0, rows + 7, 1);
            assertRows(copy, rows + 7, rows + 20, 2000);
            assertRows(store, 0, rows + 3, 1);
            assertRows(store, rows + 3, rows + 20, 3000);
            assertThat(pool.allocatedBytes()).isEqualTo(3 * heads * pool.pageBytes());
        }
        assertThat(pool.allocatedBytes()).isEqualTo(2 * heads * pool.pageBytes());
        assertRows(store, 0, rows + 3, 1);
    }

    @Test
    void whatIsForgottenReturnsItsMemoryAndTheRestStaysWhereItWas() {
        extend(600);
        int rows = store.rowsPerPage(0);
        store.keys(1, 2, 3).set(JAVA_FLOAT, store.rowAt(0, 3 * rows), 7);
        long pages = pool.allocatedBytes() / pool.pageBytes();
        try (Reservation reservation = pool.reserve(0, 0)) {
            store.dropKeys(0, 1, Optional.of(reservation));
            pages -= 600 / rows + 1;
            store.forget(0, 2 * rows + rows / 2, reservation);
            store.forget(1, 2 * rows - 1, reservation);
            assertThat(reservation.remaining()).isEqualTo(600 / rows + 1 + 2 * 5 + 6);
        }
        assertThat(pool.allocatedBytes()).isEqualTo((pages - 2 * 5 - 6) * pool.pageBytes());
        assertThat(store.allocatedBytes()).isEqualTo(pool.allocatedBytes());
        assertThat(store.usedBytes()).isEqualTo(((600L - 2 * rows) * 5 + (600L - rows) * 6) * ROW);
        assertThat(store.firstPosition(0)).isEqualTo(2 * rows);
        assertThat(store.firstPosition(1)).isEqualTo(rows);
        assertThat(store.keys(1, 2, 3).get(JAVA_FLOAT, store.rowAt(0, 3 * rows))).isEqualTo(7);
        extend(900);
        assertThat(store.keys(1, 2, 3).get(JAVA_FLOAT, store.rowAt(0, 3 * rows))).isEqualTo(7);
        store.truncate(3 * rows + 1);
        assertThat(store.keys(1, 2, 3).get(JAVA_FLOAT, store.rowAt(0, 3 * rows))).isEqualTo(7);
        assertThat(pool.allocatedBytes()).isEqualTo((2L * 5 + 3 * 6) * pool.pageBytes());
        try (KvStore copy = new KvStore(pool, ROWS, KvType.F32);
                Reservation reservation = pool.reserve(100, 0)) {
            copy.dropKeys(0, 1, Optional.of(reservation));
            copy.copyFrom(store, 3 * rows + 1, reservation);
            assertThat(copy.keys(1, 2, 3).get(JAVA_FLOAT, copy.rowAt(0, 3 * rows))).isEqualTo(7);
            assertThat(copy.allocatedBytes()).isEqualTo(store.allocatedBytes());
        }
        store.truncate(0);
        assertThat(store.firstPosition(0)).isZero();
    }

    /** Who forgets returns its share: the other one's rows stay, and the last of both frees the memory. */
    @Test
    void whatOneForgetsOfSharedPagesTheOtherKeeps() {
        int rows = store.rowsPerPage(0);
        long heads = LAYERS * 2L * KV_HEADS;
        extend(3 * rows + 5);
        write(store, 0, 3 * rows + 5, 1);
        try (KvStore copy = new KvStore(pool, ROWS, KvType.F32)) {
            assertThat(store.ownBytes()).isEqualTo(store.allocatedBytes());
            try (Reservation reservation = pool.reserve(heads, 0)) {
                copy.copyFrom(store, 3 * rows + 5, reservation);
            }
            assertThat(store.ownBytes()).as("the last page").isEqualTo(heads * pool.pageBytes());
            long both = pool.allocatedBytes();
            try (Reservation reservation = pool.reserve(0, 0)) {
                store.forget(0, 2 * rows, reservation);
                store.forget(1, 2 * rows, reservation);
                assertThat(reservation.remaining()).as("pages to be taken again").isZero();
            }
            assertThat(pool.allocatedBytes()).isEqualTo(both);
            assertRows(copy, 0, 3 * rows + 5, 1);
            assertRows(store, 2 * rows, 3 * rows + 5, 1);
            try (Reservation reservation = pool.reserve(0, 0)) {
                copy.forget(0, rows, reservation);
                copy.forget(1, rows, reservation);
                assertThat(reservation.remaining()).as("nobody else has the first page now").isEqualTo(heads);
            }
            assertRows(copy, rows, 3 * rows + 5, 1);

            // Cut back into a page that both have, one that is no longer the third of its array.
            store.truncate(2 * rows + 7);
            copy.truncate(2 * rows + 9);
            assertThat(store.sharedLastPages()).isEqualTo(heads);
            extend(copy, 2 * rows + 20, heads);
            write(copy, 2 * rows + 9, 2 * rows + 20, 1000);
            assertThat(store.sharedLastPages()).isZero();
            extend(store, 2 * rows + 20, 0);
            write(store, 2 * rows + 7, 2 * rows + 20, 2000);
            assertRows(copy, rows, 2 * rows + 9, 1);
            assertRows(copy, 2 * rows + 9, 2 * rows + 20, 1000);
            assertRows(store, 2 * rows, 2 * rows + 7, 1);
            assertRows(store, 2 * rows + 7, 2 * rows + 20, 2000);
            assertThat(pool.allocatedBytes()).isEqualTo(3 * heads * pool.pageBytes());
        }
        assertThat(pool.allocatedBytes()).isEqualTo(heads * pool.pageBytes());
    }
}
