// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.SharedResources;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.cluster.ClusteringAlgorithm;
import io.github.chaijlama.cluster.RepresentativeChoice;
import io.github.chaijlama.constrain.JsonConstraint;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.model.ModelConfig;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.schedule.SchedulerFigures;
import io.github.chaijlama.schedule.SchedulerLimits;
import io.github.chaijlama.schedule.TimeLimitException;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Chats of every kind at once, each compared with what it is when nothing else is going on: on models with each type of
 * keys and values and each kind of membership, that share threads and a budget which does not suffice; cancelled,
 * guessed, and on one model with a time limit. Nothing is left behind.
 */
@Tag("alone")
class ManyChatsSoakTests {
    private static final int AT_ONCE = 16;
    /** More than are answered at once, so that some wait for their turn. */
    private static final int CLIENTS = 40;
    private static final int CHATS_OF_A_ROUND = 500;
    /** Pages of Pocket's keys and values for 128 tokens. */
    private static final long PAGES = 96L * 128 * 32 * Float.BYTES;
    private static final String INSTRUCTIONS = "Ruby the fox went to the river and found a green whistle. ".repeat(12);
    private static final List<String> QUESTIONS = List.of("Tell me a story about a fox named Ruby.", "Hello!",
            "What is the opposite of big?", "Tell me a story.", "What comes after Monday?");

    /** A short version of what {@link #tenThousandChats} does. */
    @Test
    @Timeout(300)
    void hundredsOfChats() throws Exception {
        new Soak(20, 150).run(7 * PAGES);
    }

    /** One after another: memory for one of the longest sequences, and for some at once. */
    @Test
    @Tag("long")
    @Timeout(10_800)
    void tenThousandChats() throws Exception {
        new Soak(300, 5000).run(7 * PAGES);
        new Soak(300, 5000).run(24 * PAGES);
    }

    private static ChaiOptions options(KvType type) {
        ModelConfig config = ModelConfig.read(TestModels.POCKET);
        List<Integer> clusters = Collections.nCopies(config.layers(), config.numberOfHeads() / 2);
        ClusterProfile profile = switch (type) {
            case F32 -> ClusterProfile.read(TestModels.POCKET_PROFILE);
            case BF16 -> new ClusterProfile(config.shape(), clusters, new Membership.Online(16, 5,
                    ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID));
            case I8 -> new ClusterProfile(config.shape(), clusters,
                    new Membership.Prompt(ClusteringAlgorithm.AGGLOMERATIVE, RepresentativeChoice.MEDOID));
        };
        return ChaiOptions.clustered(profile)
                .with(change -> change.operators(Operators.VECTOR).kvCacheType(type).kvCacheMaxBytes(1L << 30));
    }

    private static JsonConstraint json(TextModel model) {
        try {
            return JsonConstraint.compile(new ObjectMapper().readTree("""
                    {"type": "object", "properties": {"name": {"type": "string"}, "fox": {"type": "boolean"}},
                     "required": ["name", "fox"]}"""), model.tokenizer().vocabulary());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A chat, and the answer it gets alone. */
    private record Chat(int[] prompt, GenerationOptions options, GenerationResult alone) {

        static Chat of(TextModel model, int number) {
            SplittableRandom random = new SplittableRandom(number);
            List<ChatMessage> messages = new ArrayList<>();
            if (random.nextInt(3) == 0) {
                messages.add(ChatMessage.system(INSTRUCTIONS));
            }
            messages.add(ChatMessage.user(switch (random.nextInt(3)) {
                case 0 -> "Ruby went to the river. ".repeat(random.nextInt(random.nextInt(1, 60)))
                        + QUESTIONS.get(random.nextInt(QUESTIONS.size()));
                case 1 -> new Stories(random.nextInt(40)).question();
                default -> QUESTIONS.get(random.nextInt(QUESTIONS.size()));
            }));
            int[] prompt = model.chatPrompt(messages);
            GenerationOptions options = options(random, number);
            if (number % 5 == 0) {
                options = options.withStopSequences(List.of()).withMaxNewTokens(60).withConstraint(json(model));
            }
            return new Chat(prompt, options, model.chat(prompt, options, GenerationListener.NONE, new Cancellation()));
        }

        private static GenerationOptions options(SplittableRandom random, int number) {
            SamplingOptions sampling = random.nextInt(3) == 0 ? SamplingOptions.GREEDY
                    : new SamplingOptions(random.nextDouble(0.2, 1.5), random.nextBoolean() ? 40 : null,
                            random.nextDouble(0.8, 1), (long) number);
            if (random.nextInt(3) == 0) {
                sampling = sampling.withPenalties(new RepetitionPenalties(random.nextDouble(-1, 1), 0.1, 1.05));
            }
            return GenerationOptions.DEFAULT.withSampling(sampling).withMaxNewTokens(random.nextInt(1, 60))
                    .withAttention(random.nextBoolean() ? AttentionMode.EXACT : AttentionMode.CLUSTERED)
                    .withStopSequences(random.nextInt(4) == 0 ? List.of(" the river", ".") : List.of());
        }
    }

    /** A number of chats, and what became of them. */
    private static final class Soak {
        private final int different;
        private final int chats;
        private final int round;
        private final Map<KvType, List<Chat>> twins = new EnumMap<>(KvType.class);
        private final LongAdder finished = new LongAdder();
        private final LongAdder cancelled = new LongAdder();
        private final LongAdder late = new LongAdder();
        private final LongAdder inTime = new LongAdder();
        private final LongAdder reused = new LongAdder();
        private final LongAdder guessed = new LongAdder();
        private final LongAdder right = new LongAdder();
        private final ConcurrentLinkedQueue<Long> nanos = new ConcurrentLinkedQueue<>();

        Soak(int different, int chats) {
            this.different = different;
            this.chats = chats;
            this.round = Math.min(chats, CHATS_OF_A_ROUND);
        }

        void run(long budget) throws Exception {
            for (KvType type : KvType.values()) {
                try (TextModel alone = TextModel.load(TestModels.POCKET, options(type))) {
                    List<Chat> each = new ArrayList<>();
                    for (int number = 0; number < different; number++) {
                        each.add(Chat.of(alone, number));
                    }
                    twins.put(type, each);
                }
            }
            List<TextModel> models = new ArrayList<>();
            try (SharedResources shared = new SharedResources(2, budget);
                    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
                    ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor()) {
                try {
                    SchedulerLimits limits = SchedulerLimits.DEFAULT.withRequests(AT_ONCE, CLIENTS);
                    for (KvType type : KvType.values()) {
                        models.add(TextModel.load(TestModels.POCKET, options(type), limits, shared));
                    }
                    models.add(TextModel.load(TestModels.POCKET, options(KvType.F32), limits, shared));
                    // Threads, scratch memory and compiled code, and how long a chat of the last model takes here.
                    ask(models, clients, clock, round, 0);
                    nanos.clear();
                    ask(models, clients, clock, round, 1);
                    List<Long> times = nanos.stream().sorted().toList();
                    Duration limit = Duration.ofNanos(times.get(times.size() / 2));
                    models.removeLast().close();
                    models.add(TextModel.load(TestModels.POCKET, options(KvType.F32), limits.withTimeLimit(limit),
                            shared));
                    soak(models, clients, clock, limit);
                    assertNothingIsHeld(models);
                } finally {
                    models.forEach(TextModel::close);
                }
                assertThat(shared.kvBudget().takenBytes()).isZero();
            }
        }

        private void soak(List<TextModel> models, ExecutorService clients, ScheduledExecutorService clock,
                Duration limit) throws Exception {
            if (chats > round) {
                ask(models, clients, clock, round, 1); // pools have grown to what they need then
            }
            List.of(finished, cancelled, late, inTime, reused, guessed, right).forEach(LongAdder::reset);
            Footprint before = Footprint.now();
            System.out.println("before " + before);
            long begin = System.nanoTime();
            for (int done = 0; done < chats; done += round) {
                ask(models, clients, clock, round, 2 + done);
                System.out.println("after " + (done + round) + " chats " + Footprint.now());
            }
            System.out.printf("%d s: %d finished, %d cancelled, %d later than %s and %d not; %d tokens reused; "
                    + "%d of %d guesses right%n", Duration.ofNanos(System.nanoTime() - begin).toSeconds(),
                    finished.sum(), cancelled.sum(), late.sum(), limit, inTime.sum(), reused.sum(), right.sum(),
                    guessed.sum());
            for (TextModel model : models) {
                SchedulerFigures figures = model.scheduler().orElseThrow().figures();
                System.out.printf("%s: %d steps of %.1f rows, %d pauses%n", model.model().options().kvCacheType(),
                        figures.steps(), (double) figures.rows() / figures.steps(), figures.pauses());
            }
            assertThat(finished.sum() + cancelled.sum() + late.sum()).isEqualTo(chats);
            assertThat(List.of(finished.sum(), cancelled.sum(), late.sum(), reused.sum(), right.sum()))
                    .allMatch(sum -> sum > 0);
            assertThat(models.stream().mapToLong(model -> model.scheduler().orElseThrow().pauses()).sum())
                    .as("memory was short").isPositive();
            Footprint.now().assertIsNoMoreThan(before);
        }

        private static void assertNothingIsHeld(List<TextModel> models) {
            for (TextModel model : models) {
                model.closeIdleSequences();
                assertThat(model.model().kvCacheAllocatedBytes()).isZero();
                assertThat(model.scheduler().orElseThrow().running()).isZero();
                assertThat(model.scheduler().orElseThrow().waiting()).isZero();
            }
        }

        private void ask(List<TextModel> models, ExecutorService clients, ScheduledExecutorService clock, int number,
                int seed) throws Exception {
            SplittableRandom random = new SplittableRandom(seed);
            List<Future<?>> results = new ArrayList<>();
            for (int i = 0; i < number; i++) {
                // Every second one on the first model, so that there are as many as it takes at once.
                TextModel model = models.get(random.nextBoolean() ? 0 : random.nextInt(models.size()));
                Chat twin = twins.get(model.model().options().kvCacheType()).get(random.nextInt(different));
                int cancelAt = random.nextInt(8) == 0 ? 1 + random.nextInt(30) : -1;
                int cancelMillis = random.nextInt(8) == 0 ? random.nextInt(300) : -1;
                boolean guess = random.nextBoolean();
                results.add(clients
                        .submit(() -> compare(twin, model, models.getLast(), clock, cancelAt, cancelMillis, guess)));
            }
            for (Future<?> result : results) {
                result.get();
            }
        }

        /** Asks again beside others. */
        private Void compare(Chat twin, TextModel model, TextModel last, ScheduledExecutorService clock, int cancelAt,
                int cancelMillis, boolean guess) {
            long begin = System.nanoTime();
            Cancellation cancellation = new Cancellation();
            if (cancelMillis == 0) {
                cancellation.cancel();
            } else if (cancelMillis > 0) {
                clock.schedule(cancellation::cancel, cancelMillis, TimeUnit.MILLISECONDS);
            }
            StringBuilder heard = new StringBuilder();
            GenerationListener listener = new GenerationListener() {
                private int tokens;

                @Override
                public void onToken(int token, String text) {
                    heard.append(text);
                    if (++tokens == cancelAt) {
                        cancellation.cancel();
                    }
                }

                @Override
                public void onRemainingText(String text) {
                    heard.append(text);
                }
            };
            String expected = twin.alone.text();
            try {
                GenerationResult result = model.chat(twin.prompt, twin.options.withGuess(guess), listener,
                        cancellation);
                assertThat(heard.toString()).isEqualTo(result.text());
                reused.add(result.reusedTokens());
                guessed.add(result.counts().guessedTokens());
                right.add(result.counts().rightGuesses());
                if (result.finishReason() == FinishReason.CANCELLED) {
                    assertThat(cancellation.isCancelled()).isTrue();
                    assertThat(expected).startsWith(result.text());
                    cancelled.increment();
                } else {
                    assertThat(result.text()).isEqualTo(expected);
                    assertThat(result.finishReason()).isEqualTo(twin.alone.finishReason());
                    assertThat(result.generatedTokens()).isEqualTo(twin.alone.generatedTokens());
                    finished.increment();
                    if (model.equals(last)) {
                        inTime.increment();
                        nanos.add(System.nanoTime() - begin);
                    }
                }
            } catch (TimeLimitException e) {
                assertThat(model.scheduler().orElseThrow().limits().timeLimit()).isPresent();
                assertThat(expected).startsWith(heard.toString());
                late.increment();
            }
            return null;
        }
    }
}
