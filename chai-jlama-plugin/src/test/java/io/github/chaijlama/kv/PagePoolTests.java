// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.kv;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.kv.PagePool.Page;
import io.github.chaijlama.kv.PagePool.Reservation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PagePoolTests {
    private static final int PAGE = 1 << 20;

    @Test
    void takesNoMemoryUntilItIsNeeded() {
        try (PagePool pool = new PagePool(100L * PAGE, PAGE)) {
            assertThat(pool.heldBytes()).isZero();
            assertThat(pool.maxBytes()).isEqualTo(100L * PAGE);
        }
    }

    @Test
    void pagesAreDifferentMemory() {
        try (PagePool pool = new PagePool(20L * PAGE, PAGE); Reservation reservation = pool.reserve(20, 0)) {
            Set<Long> addresses = new HashSet<>();
            for (int i = 0; i < 20; i++) {
                Page page = reservation.take();
                assertThat(page.memory().byteSize()).isEqualTo(PAGE);
                addresses.add(page.memory().address());
            }
            assertThat(addresses).hasSize(20);
            assertThat(pool.allocatedBytes()).isEqualTo(20L * PAGE);
            assertThat(pool.heldBytes()).isEqualTo(20L * PAGE);
        }
    }

    @Test
    void bytesOnlyOfSomeOwnersAreThoseOfPagesThatNobodyElseHas() {
        try (PagePool pool = new PagePool(10L * PAGE, PAGE); Reservation reservation = pool.reserve(3, 0)) {
            Page own = reservation.take();
            Page sharedByTwo = reservation.take();
            Page sharedByThree = reservation.take();
            pool.share(sharedByTwo);
            pool.share(sharedByThree);
            pool.share(sharedByThree);
            assertThat(pool.bytesOnlyOf(Stream.of(own))).isEqualTo(PAGE);
            assertThat(pool.bytesOnlyOf(Stream.of(own, sharedByTwo, sharedByThree))).isEqualTo(PAGE);
            assertThat(pool.bytesOnlyOf(Stream.of(own, sharedByTwo, sharedByThree, sharedByTwo, sharedByThree)))
                    .isEqualTo(2L * PAGE);
            assertThat(pool.bytesOnlyOf(Stream.of(sharedByThree, sharedByThree, sharedByThree))).isEqualTo(PAGE);
        }
    }

    @Test
    void neverHoldsMoreThanTheBudget() {
        try (PagePool pool = new PagePool(10L * PAGE + PAGE / 2, PAGE)) {
            assertThat(pool.maxBytes()).isEqualTo(10L * PAGE);
            try (Reservation reservation = pool.reserve(10, 0)) {
                for (int i = 0; i < 10; i++) {
                    reservation.take();
                }
            }
            assertThat(pool.heldBytes()).isEqualTo(10L * PAGE);
        }
    }

    @Test
    void asksForMemoryUntilThereIsEnoughAndNotForMoreThanTheBudget() {
        try (PagePool pool = new PagePool(10L * PAGE, PAGE); Reservation reservation = pool.reserve(10, 0)) {
            List<Page> idle = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                idle.add(reservation.take());
            }
            pool.reclaimFrom(() -> {
                if (idle.isEmpty()) {
                    return false;
                }
                pool.release(idle.removeLast());
                return true;
            });

            pool.reserve(4, 0).close();
            assertThat(idle).hasSize(2);
            pool.reserve(4, 0).close();
            assertThat(idle).as("there was enough").hasSize(2);
            assertThatThrownBy(() -> pool.reserve(11, 0)).isInstanceOf(KvCacheFullException.class);
            assertThatThrownBy(() -> pool.reserve(5, 6L * PAGE)).isInstanceOf(KvCacheFullException.class);
            assertThat(idle).as("it would not have helped").hasSize(2);
            assertThatThrownBy(() -> pool.reserve(7, 0)).isInstanceOf(KvCacheFullException.class);
            assertThat(idle).isEmpty();
        }
    }

    @Test
    void refusesWhatTheBudgetCannotHoldAndLeavesTheRestUntouched() {
        try (PagePool pool = new PagePool(10L * PAGE, PAGE); Reservation first = pool.reserve(6, 0)) {
            first.take();
            assertThatThrownBy(() -> pool.reserve(5, 0)).isInstanceOfSatisfying(KvCacheFullException.class, e -> {
                assertThat(e.neededBytes()).isEqualTo(5L * PAGE);
                assertThat(e.freeBytes()).isEqualTo(4L * PAGE);
                assertThat(e.maxBytes()).isEqualTo(10L * PAGE);
                assertThat(e).hasMessageContaining("needs " + 5L * PAGE).hasMessageContaining(4L * PAGE + " of")
                        .hasMessageContaining("raise the budget");
            });
            try (Reservation second = pool.reserve(4, 0)) {
                assertThat(second.remaining()).isEqualTo(4);
            }
        }
    }

    @Test
    void whatAReservationDidNotTakeIsFreeAgain() {
        try (PagePool pool = new PagePool(4L * PAGE, PAGE)) {
            Page kept;
            try (Reservation reservation = pool.reserve(4, 0)) {
                kept = reservation.take();
            }
            try (Reservation reservation = pool.reserve(3, 0)) {
                assertThat(reservation.remaining()).isEqualTo(3);
            }
            assertThatThrownBy(() -> pool.reserve(4, 0)).isInstanceOf(KvCacheFullException.class);
            pool.release(kept);
            pool.reserve(4, 0).close();
            assertThat(pool.allocatedBytes()).isZero();
        }
    }

    @Test
    void aPageGivenBackToItsReservationCanBeTakenAgain() {
        try (PagePool pool = new PagePool(2L * PAGE, PAGE); Reservation reservation = pool.reserve(2, 0)) {
            Page page = reservation.take();
            reservation.take();
            assertThatThrownBy(reservation::take).hasMessage("more pages taken than reserved");
            reservation.giveBack(page);
            assertThat(pool.allocatedBytes()).isEqualTo(PAGE);
            assertThat(reservation.take()).isNotNull();
        }
    }

    @Test
    void memoryGoesBackToTheSystemWhenPagesDo() {
        try (PagePool pool = new PagePool(64L * PAGE, PAGE)) {
            List<Page> pages = new ArrayList<>();
            try (Reservation reservation = pool.reserve(64, 0)) {
                for (int i = 0; i < 64; i++) {
                    pages.add(reservation.take());
                }
            }
            assertThat(pool.heldBytes()).isEqualTo(64L * PAGE);
            pages.forEach(pool::release);
            assertThat(pool.allocatedBytes()).isZero();
            assertThat(pool.heldBytes()).as("one empty slab is kept").isEqualTo(4L * PAGE);
            assertThatThrownBy(() -> pages.getLast().memory().get(JAVA_BYTE, 0))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void randomUseKeepsItsBooks() {
        Random random = new Random(7);
        int page = 4096;
        try (PagePool pool = new PagePool(1000L * page, page)) {
            List<Page> pages = new ArrayList<>();
            for (int round = 0; round < 20_000; round++) {
                if (random.nextBoolean() && pages.size() < 1000) {
                    try (Reservation reservation = pool.reserve(1, 0)) {
                        Page taken = reservation.take();
                        taken.memory().set(JAVA_INT, 0, pages.size());
                        pages.add(taken);
                    }
                } else if (!pages.isEmpty()) {
                    pool.release(pages.remove(random.nextInt(pages.size())));
                }
                assertThat(pool.allocatedBytes()).isEqualTo((long) pages.size() * page);
            }
            pages.forEach(pool::release);
            pool.reserve(1000, 0).close();
        }
    }

    @Test
    void closedPoolSaysSo() {
        PagePool pool = new PagePool(4L * PAGE, PAGE);
        Page page;
        try (Reservation reservation = pool.reserve(1, 0)) {
            page = reservation.take();
        }
        pool.close();
        assertThatThrownBy(() -> pool.reserve(1, 0)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        pool.release(page);
        pool.close();
        assertThat(pool.heldBytes()).isZero();
    }

    @Test
    void refusesABudgetSmallerThanAPage() {
        assertThatThrownBy(() -> new PagePool(PAGE - 1, PAGE)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cannot hold a single page of " + PAGE);
    }
}
