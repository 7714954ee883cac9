// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

import io.github.chaijlama.schedule.Scheduler;

/**
 * Measures a prompt that comes in while answers go on.
 *
 * @param context tokens of the prompts of those answers
 * @param clients       how many answers go on
 * @param contextLength the most tokens of a prompt and its answer
 */
record IncomingPrompt(BenchArm arm, int context, int clients, int contextLength, int vocabulary, Scheduler scheduler) {
    private static final double NANOS_PER_MILLI = 1e6;
    private static final long POLL_MILLIS = 5;

    /**
     * Measures.
     *
     * @param prompt tokens of the prompt that comes in
     * @param before tokens of each answer before it comes
     */
    ClientsMeasurement.Incoming measure(int prompt, int before) throws InterruptedException {
        double alone = firstToken(-1, prompt);
        List<BenchRequest> answers = new ArrayList<>();
        for (int client = 0; client < clients; client++) {
            // As long as can be: it should go on until it is cancelled.
            BenchRequest answer = request(client, context, contextLength - context);
            answers.add(answer);
            answer.runToFirstToken(scheduler);
        }
        long start = System.nanoTime();
        BenchRequest first = answers.getFirst();
        int enough = first.tokens() + before;
        while (first.tokens() < enough && !first.hasEnded()) {
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
        long incoming = System.nanoTime();
        double beside = firstToken(clients, prompt);
        long end = incoming + (long) (beside * NANOS_PER_MILLI);
        answers.forEach(BenchRequest::cancel);
        for (BenchRequest answer : answers) {
            answer.awaitEnd();
        }
        return new ClientsMeasurement.Incoming(arm, context, clients, prompt, alone, beside,
                between(answers, start, incoming), between(answers, incoming, end));
    }

    private double firstToken(int seed, int prompt) throws InterruptedException {
        BenchRequest request = request(seed, prompt, 2);
        request.run(scheduler);
        return request.firstToken() / NANOS_PER_MILLI;
    }

    private BenchRequest request(int seed, int prompt, int answer) {
        return new BenchRequest(arm.attention(),
                new SplittableRandom(seed).ints((long) prompt + answer, 0, vocabulary).toArray(), prompt);
    }

    private static Latency between(List<BenchRequest> answers, long after, long until) {
        return Latency.of(answers.stream()
                .flatMapToLong(answer -> LongStream.of(answer.betweenTokens(after, until))).toArray());
    }
}
