// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.Optional;
import java.util.concurrent.CountDownLatch;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.schedule.SchedulerLimits;

/** Pocket, which stops in the middle of the step with the first token of an answer until it is let go. */
public final class HeldEngine {
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch held = new CountDownLatch(1);
    private final ChaiEngine engine;

    public HeldEngine(String name, SchedulerLimits limits, ChaiOptions options) {
        engine = ChaiEngine.of(TextModel.load(Pocket.MODEL, options, sampling -> logits -> {
            reached.countDown();
            await(held);
            return 1; // the end of the answer
        }, Optional.of(limits)), name);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    public ChaiEngine engine() {
        return engine;
    }

    /** Waits until a step is held. */
    public void awaitStep() {
        await(reached);
    }

    public void letGo() {
        held.countDown();
    }
}
