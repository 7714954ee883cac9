// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.prefix;

import org.junit.jupiter.api.Test;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.ChaiSession;
import io.github.chaijlama.GoldenCases;
import io.github.chaijlama.TestModels;

import static org.assertj.core.api.Assertions.assertThat;

/** Who gives memory back before whom. */
class ReclaimOrderTests {
    /** A page of 128 rows of 16 floats, for keys and values of 8 heads in 3 layers: what up to 128 tokens take. */
    private static final long SEQUENCE_BYTES = 48 * 128 * 16 * 4L;

    @Test
    void whatIsOfLessUseThanIdleSequencesGoesFirst() {
        try (ChaiModel model = ChaiModel.load(GoldenCases.directory("mha"),
                ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(2 * SEQUENCE_BYTES)));
                PrefixCache cache = new PrefixCache(model, 4)) {
            int[] prompt = TestModels.tokens(100, 256, 1);
            try (PrefixSession idle = cache.open(AttentionMode.EXACT, prompt)) {
                idle.feed(prompt);
            }
            ChaiSession lessUseful = model.newSession();
            lessUseful.feed(TestModels.tokens(100, 256, 2));
            boolean[] isOpen = { true };
            model.reclaimFirstFrom(() -> {
                boolean was = isOpen[0];
                isOpen[0] = false;
                lessUseful.close();
                return was;
            });
            try (ChaiSession first = model.newSession(); ChaiSession second = model.newSession()) {
                first.feed(TestModels.tokens(100, 256, 3));
                assertThat(isOpen[0]).isFalse();
                assertThat(cache.size()).isEqualTo(1);
                second.feed(TestModels.tokens(100, 256, 4));
                assertThat(cache.size()).isZero();
            }
        }
    }

    /** Where several models have one budget, another one asks so. */
    @Test
    void itGoesFirstForOtherModelsToo() {
        try (ChaiModel model = ChaiModel.load(GoldenCases.directory("mha"), ChaiOptions.exact());
                PrefixCache cache = new PrefixCache(model, 4)) {
            int[] prompt = TestModels.tokens(100, 256, 1);
            try (PrefixSession idle = cache.open(AttentionMode.EXACT, prompt)) {
                idle.feed(prompt);
            }
            boolean[] isThere = { true };
            model.reclaimFirstFrom(() -> {
                boolean was = isThere[0];
                isThere[0] = false;
                return was;
            });
            while (isThere[0]) {
                assertThat(cache.giveIdleMemory()).isTrue();
            }
            assertThat(cache.size()).isEqualTo(1);
            while (cache.giveIdleMemory()) {
                // until nothing is left
            }
            assertThat(cache.size()).isZero();
        }
    }
}
