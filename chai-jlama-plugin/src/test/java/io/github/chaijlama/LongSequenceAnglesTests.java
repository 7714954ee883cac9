// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.kv.KvCacheFullException;
import io.github.chaijlama.prefix.PrefixCache;
import io.github.chaijlama.prefix.PrefixSession;
import io.github.chaijlama.prefix.SharedSessions;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * A model that turns sequences of more than 64 positions by other angles: all of their keys, whatever happened to a
 * sequence before.
 */
@Tag("operators")
class LongSequenceAnglesTests {
    private static final Path DIRECTORY = GoldenCases.directory("families/phi3_partial");
    private static final int[] TOKENS = TestModels.tokens(120, 64, 7);

    private static ChaiModel model;

    @TempDir
    private Path directory;

    @BeforeAll
    static void load() {
        model = ChaiModel.load(DIRECTORY, TestOperators.exact());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static int[] tokens(int from, int end) {
        return Arrays.copyOfRange(TOKENS, from, end);
    }

    private static float[] fresh(ClusterProfile profile, int length) {
        return fresh(profile, tokens(0, length));
    }

    private static float[] fresh(ClusterProfile profile, int[] tokens) {
        try (ChaiSession session = model.newSession(profile)) {
            return session.feed(tokens);
        }
    }

    private static void assertSame(float[] actual, float[] expected) {
        assertThat(TestModels.maxDifference(actual, expected)).isLessThan(1e-4);
    }

    private static List<ClusterProfile> profiles() {
        return List.of(ClusterProfile.exact(model.config().shape()),
                TestModels.randomStatic(model.config().shape(), 2),
                new ClusterProfile(model.config().shape(), Collections.nCopies(model.config().layers(), 2),
                        new Membership.Online(9, 2, ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST)));
    }

    @Test
    void theAnglesAreOthers() {
        float[] all = fresh(profiles().getFirst(), 65);
        try (ChaiSession session = model.newSession()) {
            session.feed(tokens(0, 64));
            float[] last = session.feed(TOKENS[64]);
            assertSame(last, all);
            assertThat(TestModels.maxDifference(last, fresh(profiles().getFirst(), 64))).isGreaterThan(0.1);
        }
    }

    /** There and back again: a sequence that is cut back is turned by the angles of short ones. */
    @Test
    void cuttingBackAndGrowingAgainIsTheSameAsNeverHavingGrown() {
        for (ClusterProfile profile : profiles()) {
            try (ChaiSession session = model.newSession(profile)) {
                assertSame(session.feed(tokens(0, 100)), fresh(profile, 100));
                session.truncate(40);
                assertSame(session.feed(tokens(40, 60)), fresh(profile, 60));
                assertSame(session.feed(tokens(60, 120)), fresh(profile, 120));
                session.truncate(70);
                assertSame(session.feed(tokens(70, 90)), fresh(profile, 90));
                session.truncate(0);
                assertSame(session.feed(tokens(0, 30)), fresh(profile, 30));
            }
        }
    }

    @Test
    void copiesGrowByThemselves() {
        for (ClusterProfile profile : profiles()) {
            try (ChaiSession session = model.newSession(profile)) {
                session.feed(tokens(0, 60));
                try (ChaiSession copy = session.copy(50)) {
                    assertSame(copy.feed(tokens(50, 80)), fresh(profile, 80));
                    assertSame(session.feed(tokens(60, 63)), fresh(profile, 63));
                    try (ChaiSession ofLong = copy.copy(30)) {
                        assertSame(ofLong.feed(tokens(30, 33)), fresh(profile, 33));
                    }
                }
            }
        }
    }

    /** A prompt does not get the beginning of an idle sequence of the other side, which would be calculated anew. */
    @ParameterizedTest
    @ValueSource(ints = { 20, 110 })
    void prefixesAreThoseOfTheirOwnSide(int second) {
        int first = 130 - second;
        try (PrefixCache cache = new PrefixCache(model, 2)) {
            List<Integer> reused = new ArrayList<>();
            for (int length : new int[]{ first, second, first }) {
                int[] prompt = tokens(0, length);
                try (PrefixSession session = cache.open(AttentionMode.EXACT, prompt)) {
                    reused.add(session.reusedTokens());
                    assertSame(session.feed(tokens(session.reusedTokens(), length)),
                            fresh(profiles().getFirst(), length));
                    session.endPrompt();
                }
            }
            assertThat(reused).containsExactly(0, 0, first - 1);
        }
    }

    /** Nor that of a request which is being answered, and whose sequence may come to the other side meanwhile. */
    @Test
    void requestsGetTheBeginningsOfTheirOwnSide() throws IOException {
        int side = 100;
        ObjectNode config = (ObjectNode) new ObjectMapper().readTree(DIRECTORY.resolve("config.json").toFile());
        config.put("original_max_position_embeddings", side);
        config.withObject("/rope_parameters").put("original_max_position_embeddings", side);
        Files.writeString(directory.resolve("config.json"), config.toString());
        Files.copy(DIRECTORY.resolve("model.safetensors"), directory.resolve("model.safetensors"));
        int[] all = TestModels.tokens(200, 64, 7);
        int[] shorter = Arrays.copyOf(all, 90);
        int[] longer = Arrays.copyOf(all, 150);
        try (ChaiModel other = ChaiModel.load(directory, TestOperators.exact());
                PrefixCache cache = new PrefixCache(other, 2);
                PrefixSession answered = cache.open(AttentionMode.EXACT, shorter)) {
            assertThat(cache.isBeingCalculated(AttentionMode.EXACT, Arrays.copyOf(all, 95))).isTrue();
            assertThat(cache.isBeingCalculated(AttentionMode.EXACT, longer)).isFalse();
            answered.feed(shorter);
            answered.endPrompt();
            assertReuses(cache, Arrays.copyOf(all, 95), 90);
            assertReuses(cache, longer, 0);
            answered.feed(Arrays.copyOfRange(all, 90, 110));
            assertReuses(cache, longer, 90);
            try (ChaiSession fresh = other.newSession()) {
                float[] expected = fresh.feed(longer);
                try (PrefixSession copy = cache.open(AttentionMode.EXACT, longer)) {
                    assertSame(copy.feed(Arrays.copyOfRange(longer, 90, 150)), expected);
                }
            }
        }
    }

    @Test
    void whatWasGivenUpInALongPromptIsOfTheLongSide() {
        int[] prompt = tokens(0, 110);
        try (PrefixCache cache = new PrefixCache(model, 2)) {
            try (PrefixSession givenUp = cache.open(AttentionMode.EXACT, prompt)) {
                cache.step(List.of(new SharedSessions.Run(givenUp, prompt, 0, 50, 0)));
            }
            assertReuses(cache, tokens(0, 60), 0);
            assertReuses(cache, tokens(0, 100), 50);
        }
    }

    private static void assertReuses(PrefixCache cache, int[] prompt, int tokens) {
        try (PrefixSession session = cache.open(AttentionMode.EXACT, prompt)) {
            assertThat(session.reusedTokens()).isEqualTo(tokens);
        }
    }

    /** What clusters were decided from a prompt is decided from it again, with its other keys. */
    @Test
    void aPromptThatDecidedMembershipDecidesItAgain() {
        ClusterProfile profile = new ClusterProfile(model.config().shape(),
                Collections.nCopies(model.config().layers(), 2),
                new Membership.Prompt(ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.FIRST));
        float[] whole;
        try (ChaiSession session = model.newSession(profile)) {
            // All of it is of the long side from the beginning.
            session.feed(tokens(0, 70));
            session.truncate(0);
            session.feed(tokens(0, 50));
            session.endPrompt();
            whole = session.feed(tokens(50, 100));
        }
        try (ChaiSession session = model.newSession(profile)) {
            session.feed(tokens(0, 50));
            session.endPrompt();
            for (int i = 50; i < 99; i++) {
                session.feed(TOKENS[i]);
            }
            assertSame(session.feed(TOKENS[99]), whole);
        }
    }

    @Test
    void aSequenceThatDoesNotFitAnyMoreIsLeftAsItWas() {
        long page;
        try (ChaiSession one = model.newSession()) {
            one.feed(1);
            page = one.kvCacheAllocatedBytes();
        }
        ChaiOptions options = TestOperators.exact().with(change -> change.kvCacheMaxBytes(2 * page));
        try (ChaiModel small = ChaiModel.load(DIRECTORY, options); ChaiSession session = small.newSession()) {
            session.feed(tokens(0, 60));
            int fits = 128; // positions of a page of this model
            assertThat(session.kvCacheAllocatedBytes()).isEqualTo(page);
            try (ChaiSession other = small.newSession()) {
                other.feed(1);
                assertSame(session.feed(tokens(60, 80)), fresh(profiles().getFirst(), 80));
                assertThatThrownBy(() -> session.feed(new int[fits])).isInstanceOf(KvCacheFullException.class);
            }
            assertThat(session.length()).isEqualTo(80);
            assertSame(session.feed(tokens(80, 100)), fresh(profiles().getFirst(), 100));
        }
    }

    /** Whoever is told what is a prompt and what an answer calculates both again as what they are, to the bit. */
    @Test
    void whatIsCalculatedAgainHasTheSameBits() {
        ChaiOptions options = ChaiOptions.exact().with(change -> change.operators(Operators.VECTOR));
        try (ChaiModel vector = ChaiModel.load(DIRECTORY, options);
                ChaiSession grown = vector.newSession();
                ChaiSession known = vector.newSession()) {
            grown.beginPrompt();
            grown.feed(tokens(0, 40));
            grown.endPrompt();
            float[] last = {};
            for (int token = 40; token < 90; token++) {
                last = grown.feed(TOKENS[token]);
            }
            // As a scheduler calculates again what was paused.
            known.beginPrompt();
            vector.step(List.of(new SessionRun(known, tokens(0, 90), 0, 40, 0)));
            known.endPrompt();
            float[][] logits = vector.step(List.of(new SessionRun(known, tokens(0, 90), 40, 50, 1)));
            assertThat(logits[0]).isEqualTo(last);

            // A next turn, whose beginning is cut back to the short side.
            for (ChaiSession session : List.of(grown, known)) {
                session.truncate(50);
                session.beginPrompt();
            }
            assertThat(grown.feed(tokens(50, 60))).isEqualTo(known.feed(tokens(50, 60)));
            known.truncate(50);
            known.beginPrompt();
            vector.step(List.of(new SessionRun(known, tokens(50, 60), 0, 3, 0)));
            vector.step(List.of(new SessionRun(known, tokens(50, 60), 3, 7, 1)));
            for (ChaiSession session : List.of(grown, known)) {
                session.endPrompt();
            }
            assertThat(grown.feed(TOKENS[60])).isEqualTo(known.feed(TOKENS[60]));
        }
    }

    /** Pages that a copy has too do not become free when a sequence begins anew: that is found out before it does. */
    @Test
    void sharedMemoryThatDoesNotSufficeLeavesBothAsTheyWere() {
        long page;
        try (ChaiSession one = model.newSession()) {
            one.feed(1);
            page = one.kvCacheAllocatedBytes();
        }
        int rows = 128; // positions of a page of this model
        int[] all = TestModels.tokens(200, 64, 7);
        ChaiOptions options = TestOperators.exact().with(change -> change.kvCacheMaxBytes(3 * page));
        try (ChaiModel small = ChaiModel.load(DIRECTORY, options); ChaiSession session = small.newSession()) {
            session.feed(Arrays.copyOf(all, rows));
            try (ChaiSession copy = session.copy(rows)) {
                assertThat(small.kvCacheAllocatedBytes()).isEqualTo(page);
                copy.feed(all[rows]);
                session.truncate(40);
                try (ChaiSession other = small.newSession()) {
                    other.feed(1);
                    assertThat(small.kvCacheAllocatedBytes()).isEqualTo(3 * page);
                    // The short side again needs a page of its own, for the copy has the first one.
                    assertThatThrownBy(() -> session.feed(all[40])).isInstanceOf(KvCacheFullException.class);
                    assertThat(session.length()).isEqualTo(40);
                }
                float[] expected = session.feed(all[40]);
                assertThat(small.kvCacheAllocatedBytes()).isEqualTo(3 * page);
                copy.truncate(40);
                assertSame(copy.feed(all[40]), expected);
                assertSame(expected, fresh(profiles().getFirst(), Arrays.copyOf(all, 41)));
            }
            session.feed(Arrays.copyOfRange(all, 41, 41 + rows));
        }
    }
}
