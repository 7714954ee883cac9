// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.LongStream;

import io.github.chaijlama.ChaiModel;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.prefix.PrefixCache;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.schedule.Scheduler;
import io.github.chaijlama.schedule.SchedulerLimits;

/**
 * Measures what clients get that ask at the same time, each again as soon as it is answered (a closed loop). Prompts
 * are random and begin alike nowhere, answers are of given length. Not thread-safe; nothing else should run.
 */
public final class ClientsBenchmark {
    private final Plan plan;
    private final Consumer<String> progress;

    /**
     * What to measure.
     *
     * @param model        model directory
     * @param options      threads, weights and budget of every arm; its attention, profile and type of keys and values
     *                     are not used
     * @param profile      clusters per layer, if any arm is clustered
     * @param arms         what to compare; not Jlama's own attention
     * @param contexts     tokens of the prompts
     * @param clients      numbers of clients
     * @param requests     requests of each client
     * @param answerTokens tokens of each answer, at least 2
     * @param incoming     tokens of a prompt that comes in while answers go on; empty to leave that out
     * @param sliceTokens  the most tokens of prompts in a step in which answers go on
     * @param warmUpMillis time each arm runs before anything counts; a request at least
     */
    public record Plan(Path model, ChaiOptions options, Optional<ClusterProfile> profile, List<BenchArm> arms,
            List<Integer> contexts, List<Integer> clients, int requests, int answerTokens, OptionalInt incoming,
            int sliceTokens, int warmUpMillis) {}

    /**
     * What was measured.
     *
     * @param clients  every arm, length of prompts and number of clients
     * @param incoming the same with a prompt coming in, if the plan has one
     */
    public record Result(List<ClientsMeasurement> clients, List<ClientsMeasurement.Incoming> incoming) {}

    /**
     * Creates a benchmark.
     *
     * @param progress told what is going on
     */
    public ClientsBenchmark(Plan plan, Consumer<String> progress) {
        this.plan = plan;
        this.progress = progress;
    }

    /**
     * Measures.
     *
     * @throws io.github.chaijlama.model.ModelLoadException if the model cannot be loaded
     * @throws IllegalStateException                        if a request fails
     */
    public Result run() {
        Result result = new Result(new ArrayList<>(), new ArrayList<>());
        SchedulerLimits limits = SchedulerLimits.DEFAULT.withRequests(Collections.max(plan.clients()) + 1, 0)
                .withTokens(SchedulerLimits.DEFAULT.maxStepTokens(), plan.sliceTokens());
        for (BenchArm arm : plan.arms()) {
            progress.accept("loading");
            ChaiOptions options = plan.options().with(change -> {
                plan.profile().ifPresent(change::profile);
                change.attention(arm.attention()).kvCacheType(arm.kv());
            });
            try (ChaiModel model = ChaiModel.load(plan.model(), options);
                    PrefixCache sessions = new PrefixCache(model, 0);
                    Scheduler scheduler = Scheduler.start(sessions, limits);
                    ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                int vocabulary = model.config().vocabularySize();
                progress.accept("warm-up: " + arm.label());
                long end = System.nanoTime() + plan.warmUpMillis() * 1_000_000L;
                do {
                    measure(arm, plan.contexts().getFirst(), Collections.max(plan.clients()), 1, vocabulary, scheduler,
                            threads);
                } while (System.nanoTime() - end < 0);
                for (int context : plan.contexts()) {
                    for (int clients : plan.clients()) {
                        progress.accept(context + " tokens, " + arm.label() + ", clients: " + clients);
                        result.clients().add(measure(arm, context, clients, plan.requests(), vocabulary, scheduler,
                                threads));
                        if (plan.incoming().isPresent()) {
                            progress.accept("a prompt of " + plan.incoming().getAsInt() + " tokens comes in");
                            result.incoming().add(incoming(new IncomingPrompt(arm, context, clients,
                                    model.config().contextLength(), vocabulary, scheduler)));
                        }
                    }
                }
            }
        }
        return result;
    }

    private ClientsMeasurement.Incoming incoming(IncomingPrompt prompt) {
        try {
            return prompt.measure(plan.incoming().orElseThrow(), plan.answerTokens());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private ClientsMeasurement measure(BenchArm arm, int context, int clients, int requests, int vocabulary,
            Scheduler scheduler, ExecutorService threads) {
        List<Callable<List<BenchRequest>>> loops = new ArrayList<>();
        for (int client = 0; client < clients; client++) {
            List<BenchRequest> all = new ArrayList<>();
            for (int request = 0; request < requests; request++) {
                int[] tokens = new SplittableRandom((31L * client + request) * 31 + context)
                        .ints((long) context + plan.answerTokens(), 0, vocabulary).toArray();
                all.add(new BenchRequest(arm.attention(), tokens, context));
            }
            loops.add(() -> {
                for (BenchRequest request : all) {
                    request.run(scheduler);
                }
                return all;
            });
        }
        long start = System.nanoTime();
        List<BenchRequest> done = runAll(loops, threads);
        double seconds = (System.nanoTime() - start) / 1e9;
        return new ClientsMeasurement(arm, context, clients, (long) done.size() * plan.answerTokens() / seconds,
                AnswersTogether.rate(done.stream().map(BenchRequest::times).toList(), clients),
                Latency.of(done.stream().mapToLong(BenchRequest::firstToken).toArray()),
                Latency.of(done.stream().flatMapToLong(request -> LongStream.of(request.betweenTokens())).toArray()));
    }

    private static List<BenchRequest> runAll(List<Callable<List<BenchRequest>>> loops, ExecutorService threads) {
        try {
            List<BenchRequest> done = new ArrayList<>();
            for (Future<List<BenchRequest>> loop : threads.invokeAll(loops)) {
                done.addAll(loop.get());
            }
            return done;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IllegalStateException failed ? failed : new IllegalStateException(e);
        }
    }
}
