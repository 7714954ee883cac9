// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;

import io.github.chaijlama.AttentionMode;

import static org.assertj.core.api.Assertions.assertThat;

/** A request that takes the most likely token always, and remembers what it was told. */
final class FakeGeneration implements Generation {
    private final int[] prompt;
    private final int wanted;
    final List<Integer> answer = new ArrayList<>();
    final CountDownLatch end = new CountDownLatch(1);
    AttentionMode attention = AttentionMode.EXACT;
    volatile boolean cancelled;
    volatile boolean ready = true;
    /** The token of the answer that {@link #next} fails at. */
    int failsAt = -1;
    /** The one that it is cancelled at. */
    int cancelsAt = -1;
    /** Whether tokens may follow others without a choice. */
    boolean hasCertain;
    /** How many of a hundred guessed tokens are right; -1 for no guesses, 101 for some that fail. */
    int rightGuesses = -1;
    private final SplittableRandom random = new SplittableRandom(1);
    private int calls;
    private int returned;
    private AnswerSteps guesses = AnswerSteps.NONE;
    volatile Optional<SequenceUse> finished = Optional.empty();
    volatile Optional<SequenceUse> wasCancelled = Optional.empty();
    volatile Optional<Throwable> failed = Optional.empty();

    FakeGeneration(int[] prompt, int wanted) {
        this.prompt = prompt;
        this.wanted = wanted;
    }

    static FakeGeneration of(int promptTokens, int wanted, int seed) {
        int[] prompt = new int[promptTokens];
        Arrays.setAll(prompt, i -> (i * 7 + seed * 13) % FakeSessions.VOCABULARY);
        return new FakeGeneration(prompt, wanted);
    }

    boolean hasEnded() {
        return end.getCount() == 0;
    }

    int wanted() {
        return wanted;
    }

    /** Checks what was generated, all of it or a beginning, against what nobody else had a part in. */
    void assertIsAsIfAlone() {
        int[] tokens = Arrays.copyOf(prompt, prompt.length + answer.size());
        int certain = 0;
        for (int i = 0; i < answer.size(); i++) {
            int at = prompt.length + i;
            int expected = certain > 0 ? certain(tokens[at - 1]) : FakeSessions.next(tokens, at, prompt.length);
            assertThat(answer.get(i)).as("token %d of the answer", i).isEqualTo(expected);
            tokens[at] = expected;
            certain = certain > 0 ? certain - 1 : numberOfCertain(expected);
        }
        finished.ifPresent(use -> {
            assertThat(use.kvCacheBytes()).as("what is certain and was calculated")
                    .hasValue(4L * (prompt.length + returned));
            AnswerSteps counts = use.counts();
            assertThat(counts.guessedTokens()).isEqualTo(guesses.guessedTokens());
            assertThat(counts.rightGuesses()).isEqualTo(guesses.rightGuesses());
            assertThat(counts.steps()).isBetween(calls - counts.rightGuesses(), calls);
        });
    }

    /** Returns how many tokens follow a chosen one in any case. */
    private int numberOfCertain(int token) {
        return hasCertain && token % 5 == 0 ? 1 + token % 3 : 0;
    }

    private static int certain(int before) {
        return (before + 1) % FakeSessions.VOCABULARY;
    }

    private void ends() {
        assertThat(hasEnded()).as("ended before").isFalse();
        end.countDown();
    }

    @Override
    public int[] prompt() {
        return prompt;
    }

    @Override
    public AttentionMode attention() {
        return attention;
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }

    @Override
    public boolean isReady() {
        return ready;
    }

    @Override
    public int[] next(float[] logits) {
        assertThat(hasEnded()).isFalse();
        if (answer.size() == failsAt) {
            throw new IllegalStateException("sampler");
        }
        int token = 0;
        while (logits[token] == 0) {
            token++;
        }
        calls++;
        answer.add(token);
        int count = 1;
        for (; count <= numberOfCertain(token) && answer.size() < wanted; count++) {
            answer.add(certain(answer.getLast()));
        }
        cancelled |= answer.size() == cancelsAt;
        if (answer.size() >= wanted) {
            return new int[0];
        }
        returned += count;
        return answer.subList(answer.size() - count, answer.size()).stream().mapToInt(Integer::intValue).toArray();
    }

    @Override
    public int[] guess(int most) {
        if (rightGuesses < 0) {
            return new int[0];
        }
        if (rightGuesses > 100) {
            throw new IllegalStateException("guess");
        }
        int[] tokens = IntStream.concat(Arrays.stream(prompt), answer.stream().mapToInt(Integer::intValue)).toArray();
        int length = tokens.length;
        tokens = Arrays.copyOf(tokens, length + most);
        int certain = 0;
        for (int i = 0; i < most; i++) {
            int at = length + i;
            int right = certain > 0 ? certain(tokens[at - 1]) : FakeSessions.next(tokens, at, prompt.length);
            tokens[at] = random.nextInt(100) < rightGuesses ? right : random.nextInt(FakeSessions.VOCABULARY);
            certain = certain > 0 ? certain - 1 : numberOfCertain(right);
        }
        return Arrays.copyOfRange(tokens, length, length + most);
    }

    @Override
    public void guessed(int guessed, int right) {
        guesses = guesses.plusStep(guessed, right);
    }

    @Override
    public void finished(SequenceUse use) {
        finished = Optional.of(use);
        ends();
    }

    @Override
    public void cancelled(SequenceUse use) {
        wasCancelled = Optional.of(use);
        ends();
    }

    @Override
    public void failed(Throwable error) {
        failed = Optional.of(error);
        ends();
    }
}
