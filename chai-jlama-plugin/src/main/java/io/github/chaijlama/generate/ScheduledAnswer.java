// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;
import java.util.function.IntConsumer;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.schedule.Generation;
import io.github.chaijlama.schedule.Scheduler;
import io.github.chaijlama.schedule.SequenceUse;

/**
 * An answer that a scheduler generates, on its way to whoever asked. The listener is called on the thread that
 * {@linkplain #await waits}; the tokens in between are held here, and when it is too far behind, the scheduler goes on
 * without this answer until it has caught up.
 */
final class ScheduledAnswer implements Generation {
    /** Tokens that a listener may be behind. */
    private static final int MAX_HELD = 256;

    private final Answer answer;
    private final int[] prompt;
    private final AttentionMode attention;
    private final Cancellation cancellation;
    private final IntConsumer whenBegun;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private volatile boolean isBehind;
    private volatile boolean isAbandoned;

    /** What the waiting thread gets. */
    private sealed interface Event {
        /** Something for the listener. */
        record Told(Runnable call) implements Event {}

        /** The end of the answer. */
        record Ended(GenerationResult result) implements Event {}

        /** The end without one. */
        record Failed(Throwable error) implements Event {}
    }

    /**
     * Begins an answer.
     *
     * @param maker     makes the answer for a listener that is called on the scheduler's thread
     * @param whenBegun told there how many tokens of the prompt an earlier request had left, as soon as that is known
     */
    ScheduledAnswer(Function<GenerationListener, Answer> maker, int[] prompt, AttentionMode attention,
            GenerationListener listener, Cancellation cancellation, IntConsumer whenBegun) {
        this.prompt = prompt.clone();
        this.attention = attention;
        this.cancellation = cancellation;
        this.whenBegun = whenBegun;
        this.answer = maker.apply(new GenerationListener() {
            @Override
            public void onToken(int token, String text) {
                events.add(new Event.Told(() -> listener.onToken(token, text)));
            }

            @Override
            public void onThinking(String text) {
                events.add(new Event.Told(() -> listener.onThinking(text)));
            }

            @Override
            public void onRemainingText(String text) {
                events.add(new Event.Told(() -> listener.onRemainingText(text)));
            }
        });
    }

    /** Has it generated and waits for the end; calls the listener meanwhile. */
    GenerationResult await(Scheduler scheduler) {
        if (answer.isFinished()) {
            return answer.result(SequenceUse.none(attention));
        }
        scheduler.submit(this);
        cancellation.whenCancelled(scheduler::wake);
        Optional<Throwable> failure = Optional.empty();
        while (true) {
            switch (take()) {
                case Event.Told(Runnable call) -> {
                    if (failure.isEmpty()) {
                        failure = call(call);
                        if (failure.isPresent()) {
                            isAbandoned = true;
                            scheduler.wake();
                        }
                    }
                }
                case Event.Ended(GenerationResult result) -> {
                    failure.ifPresent(ScheduledAnswer::rethrow);
                    return result;
                }
                case Event.Failed(Throwable error) -> rethrow(failure.orElse(error));
            }
            if (isBehind && events.size() <= MAX_HELD / 2) {
                isBehind = false;
                scheduler.wake();
            }
        }
    }

    private static Optional<Throwable> call(Runnable call) {
        try {
            call.run();
            return Optional.empty();
        } catch (Throwable e) { // not all languages declare what they throw
            return Optional.of(e);
        }
    }

    private static void rethrow(Throwable error) {
        switch (error) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(error);
        }
    }

    private Event take() {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return events.take();
                } catch (InterruptedException _) {
                    interrupted = true; // an answer ends by its cancellation
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
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
        return isAbandoned || cancellation.isCancelled();
    }

    @Override
    public boolean isReady() {
        if (events.size() < MAX_HELD) {
            return true;
        }
        isBehind = true;
        return events.size() < MAX_HELD; // it may have caught up before it could see that it is behind
    }

    @Override
    public void begun(int reusedTokens) {
        whenBegun.accept(reusedTokens);
    }

    @Override
    public int[] next(float[] logits) {
        return answer.next(logits);
    }

    @Override
    public int[] guess(int most) {
        return answer.guess(most);
    }

    @Override
    public void guessed(int guessed, int right) {
        answer.guessed(right);
    }

    @Override
    public void finished(SequenceUse use) {
        events.add(new Event.Ended(answer.result(use)));
    }

    @Override
    public void cancelled(SequenceUse use) {
        answer.cancel();
        finished(use);
    }

    @Override
    public void failed(Throwable error) {
        events.add(new Event.Failed(error));
    }
}
