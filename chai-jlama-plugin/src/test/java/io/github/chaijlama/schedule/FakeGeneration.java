// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.schedule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;

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
        for (int i = 0; i < answer.size(); i++) {
            int expected = FakeSessions.next(tokens, prompt.length + i, prompt.length);
            assertThat(answer.get(i)).as("token %d of the answer", i).isEqualTo(expected);
            tokens[prompt.length + i] = expected;
        }
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
    public OptionalInt next(float[] logits) {
        assertThat(hasEnded()).isFalse();
        if (answer.size() == failsAt) {
            throw new IllegalStateException("sampler");
        }
        int token = 0;
        while (logits[token] == 0) {
            token++;
        }
        answer.add(token);
        return answer.size() == wanted ? OptionalInt.empty() : OptionalInt.of(token);
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
