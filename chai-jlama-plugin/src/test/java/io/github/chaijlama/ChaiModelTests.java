// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.chaijlama.kv.KvCacheTooSmallException;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;
import io.github.chaijlama.profile.ProfileException;

import static io.github.chaijlama.SessionFixtures.GQA;
import static io.github.chaijlama.SessionFixtures.MHA;
import static io.github.chaijlama.SessionFixtures.online;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Sessions and models beside each other, and what a model refuses to load or to open. */
@Timeout(300)
class ChaiModelTests {
    @Test
    void manySessionsAtOnceGiveTheResultsOfOneAfterAnother() throws Exception {
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact())) {
            ClusterProfile profile = online(model, 5, 8, 4, 2);
            List<float[]> expected = new ArrayList<>();
            for (int chat = 0; chat < 8; chat++) {
                expected.add(chat(model, profile, chat));
            }
            try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
                List<Future<Boolean>> same = new ArrayList<>();
                for (int chat = 0; chat < 8; chat++) {
                    int number = chat;
                    same.add(threads.submit(() -> {
                        for (int round = 0; round < 50; round++) {
                            if (!Arrays.equals(chat(model, profile, number), expected.get(number))) {
                                return false;
                            }
                        }
                        return true;
                    }));
                }
                for (Future<Boolean> result : same) {
                    assertThat(result.get()).isTrue();
                }
            }
            assertThat(model.kvCacheAllocatedBytes()).isZero();
        }
    }

    /** A prompt and 12 greedy tokens; even chats are exact, odd ones clustered. */
    private static float[] chat(ChaiModel model, ClusterProfile profile, int number) {
        try (ChaiSession session = number % 2 == 0 ? model.newSession() : model.newSession(profile)) {
            float[] logits = session.feed(TestModels.tokens(3 + 7 * number, 256, number));
            for (int i = 0; i < 12; i++) {
                logits = session.feed(TestModels.mostLikely(logits));
            }
            return logits;
        }
    }

    @Test
    void severalModelsLiveSideBySide() {
        try (ChaiModel one = ChaiModel.load(MHA, ChaiOptions.exact().with(change -> change.threads(1)));
                ChaiModel two = ChaiModel.load(GQA, ChaiOptions.exact().with(change -> change.threads(2)));
                ChaiModel three = ChaiModel.load(MHA, ChaiOptions.exact().with(change -> change.threads(2)));
                ChaiSession a = one.newSession();
                ChaiSession b = two.newSession();
                ChaiSession c = three.newSession()) {
            int[] tokens = TestModels.tokens(40, 256, 6);
            float[] first = a.feed(tokens);
            assertThat(TestModels.maxDifference(b.feed(tokens), first)).isGreaterThan(0.1);
            assertThat(c.feed(tokens)).isEqualTo(first);
        }
    }

    @Test
    void closedSessionsAndModelsSaySo() {
        ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact());
        ChaiSession closed = model.newSession();
        closed.feed(1, 2);
        closed.close();
        closed.close();
        assertThatThrownBy(() -> closed.feed(1)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("sequence is closed");
        ChaiSession open = model.newSession();
        open.feed(1, 2);
        model.close();
        model.close();
        assertThatThrownBy(() -> open.feed(1)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("model is closed");
        assertThatThrownBy(model::newSession).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("model is closed");
        open.close();
    }

    @Test
    void aProfileForAnotherModelIsRefusedBeforeTheWeightsAreRead() {
        ClusterProfile other = new ClusterProfile(new ModelShape("llama", 1, 4, 4, 8), List.of(2),
                Membership.defaults());
        assertThatThrownBy(() -> ChaiModel.load(MHA, ChaiOptions.clustered(other)))
                .isInstanceOf(ProfileException.class).hasMessageContaining("1 layers, 4 heads")
                .hasMessageContaining("3 layers, 8 heads");
        try (ChaiModel model = ChaiModel.load(MHA, ChaiOptions.exact())) {
            assertThatThrownBy(() -> model.newSession(other)).isInstanceOf(ProfileException.class);
        }
    }

    @Test
    void aSessionCanOnlyHaveAnAttentionItsModelHas() {
        try (ChaiModel exact = ChaiModel.load(MHA, ChaiOptions.exact())) {
            assertThatThrownBy(() -> exact.newSession(AttentionMode.CLUSTERED)).hasMessageContaining("loaded without");
            assertThatThrownBy(() -> exact.newSession(AttentionMode.STOCK))
                    .hasMessage("a model loaded for EXACT attention cannot run a STOCK session");
        }
        assertThatThrownBy(() -> ChaiModel.load(MHA, ChaiOptions.stock())).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Jlama's own attention is that of a StockModel");
    }

    @Test
    void optionsThatContradictEachOtherAreRefused() {
        assertThatThrownBy(() -> ChaiOptions.exact().with(change -> change.attention(AttentionMode.CLUSTERED)))
                .hasMessage("clustered attention needs a cluster profile");
        assertThatThrownBy(() -> ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(0)))
                .hasMessageContaining("at least 1 byte");
        assertThatThrownBy(() -> ChaiOptions.exact().with(change -> change.maxIdleSequences(-1)))
                .hasMessage("idle sequences must be 0 or more, found -1");
        assertThatThrownBy(() -> ChaiOptions.exact().with(change -> change.threads(0)))
                .hasMessageContaining("threads must be 1 to 1024, found 0");
        assertThatThrownBy(() -> ChaiModel.load(MHA, ChaiOptions.exact().with(change -> change.kvCacheMaxBytes(10))))
                .isInstanceOf(KvCacheTooSmallException.class)
                .hasMessage(
                        "the first token of a sequence takes at least 221184 bytes of key/value pages, the budget is "
                                + "10");
    }
}
