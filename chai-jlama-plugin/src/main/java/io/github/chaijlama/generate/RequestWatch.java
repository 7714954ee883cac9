// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts what the requests of a model ask and get, and tells those who listen. Thread-safe. */
final class RequestWatch {
    private static final Logger logger = LoggerFactory.getLogger(RequestWatch.class);

    private final LongAdder promptTokens = new LongAdder();
    private final LongAdder reusedTokens = new LongAdder();
    private final LongAdder generatedTokens = new LongAdder();
    private final List<RequestListener> listeners = new CopyOnWriteArrayList<>();

    void add(RequestListener listener) {
        listeners.add(listener);
    }

    void remove(RequestListener listener) {
        listeners.remove(listener);
    }

    RequestFigures figures() {
        return new RequestFigures(promptTokens.sum(), reusedTokens.sum(), generatedTokens.sum());
    }

    /** Begins to watch a request. */
    Watched watch(int[] prompt) {
        return new Watched(prompt);
    }

    /** Says that a request was turned away at once. */
    void refused(StoppingException stopping) {
        tell(listener -> listener.onFailure(stopping, Duration.ZERO));
    }

    private void tell(Consumer<RequestListener> news) {
        for (RequestListener listener : listeners) {
            try {
                news.accept(listener);
            } catch (RuntimeException e) {
                logger.warn("A listener to requests failed; the exception is ignored", e);
            }
        }
    }

    /** One request. Belongs to one thread at a time. */
    final class Watched {
        private final long start = System.nanoTime();
        private final int[] prompt;
        private int[] answer = new int[32];
        private int answerTokens;
        private boolean hasFirstToken;

        private Watched(int[] prompt) {
            this.prompt = prompt;
        }

        /** Says that the request has its sequence. */
        void begun(int reused) {
            promptTokens.add(prompt.length);
            reusedTokens.add(reused);
        }

        /** Returns a listener for the thread that calculates, which tells another one, too. */
        GenerationListener around(GenerationListener listener) {
            return new GenerationListener() {
                @Override
                public void onToken(int token, String text) {
                    next(token);
                    listener.onToken(token, text);
                }

                @Override
                public void onThinking(String text) {
                    listener.onThinking(text);
                }

                @Override
                public void onRemainingText(String text) {
                    listener.onRemainingText(text);
                }
            };
        }

        private void next(int token) {
            generatedTokens.increment();
            if (answerTokens == 0) {
                first(sinceStart());
            }
            if (answerTokens == answer.length) {
                answer = Arrays.copyOf(answer, 2 * answerTokens);
            }
            answer[answerTokens++] = token;
        }

        private void first(Duration sinceStart) {
            hasFirstToken = true;
            tell(listener -> listener.onFirstToken(sinceStart));
        }

        private Duration sinceStart() {
            return Duration.ofNanos(System.nanoTime() - start);
        }

        /** Says that the request has been answered. */
        void answered(GenerationResult result) {
            generatedTokens.add(result.generatedTokens() - answerTokens); // an end token, of which nobody was told
            if (!hasFirstToken && result.generatedTokens() > 0) {
                first(result.timeToFirstToken());
            }
            AnsweredRequest request = new AnsweredRequest(prompt, Arrays.copyOf(answer, answerTokens), result);
            tell(listener -> listener.onAnswer(request));
        }

        /** Says that the request has come to another end. */
        void failed(Throwable error) {
            Duration sinceStart = sinceStart();
            tell(listener -> listener.onFailure(error, sinceStart));
        }
    }
}
