// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Operators;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.constrain.JsonConstraint;
import io.github.chaijlama.kv.KvType;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.schedule.BusyException;
import io.github.chaijlama.schedule.Scheduler;
import io.github.chaijlama.schedule.SchedulerLimits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Chats that share steps, each compared with what it is when nothing else is going on. */
@Timeout(600)
class ManyChatsTests {
    private static final List<String> QUESTIONS = List.of("Tell me a story about a fox named Ruby.", "Hello!",
            "Read this: Finn was a lucky owl. Finn lived near the meadow. At the river, Finn found a green whistle. "
                    + "Then Rose the penguin came to help. Who helped Finn?",
            "What is the opposite of big?", "Tell me a story.", "What comes after Monday?");
    /** Pages of Pocket's keys and values that a sequence of some 800 tokens needs: far fewer than 16 chats do. */
    private static final long SMALL_BUDGET = 7 * 96L * 128 * 32 * Float.BYTES;

    private static ChaiOptions options(KvType type, long budget) {
        return ChaiOptions.clustered(ClusterProfile.read(TestModels.POCKET_PROFILE)).with(change -> change
                .operators(Operators.VECTOR).kvCacheType(type).kvCacheMaxBytes(budget));
    }

    private static TextModel load(KvType type, long budget, SchedulerLimits limits) {
        return TextModel.load(TestModels.POCKET, options(type, budget), limits);
    }

    /** A chat, and the answer it gets alone. */
    private record Chat(int[] prompt, GenerationOptions options, String answer) {

        static Chat of(TextModel alone, int number) {
            SplittableRandom random = new SplittableRandom(number);
            String question = "Ruby went to the river. ".repeat(random.nextInt(random.nextInt(1, 60)))
                    + QUESTIONS.get(random.nextInt(QUESTIONS.size()));
            int[] prompt = alone.chatPrompt(List.of(ChatMessage.user(question)));
            GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(random.nextInt(1, 60))
                    .withAttention(random.nextBoolean() ? AttentionMode.EXACT : AttentionMode.CLUSTERED)
                    .withStopSequences(random.nextInt(4) == 0 ? List.of(" the river", ".") : List.of())
                    .withSampling(random.nextBoolean() ? SamplingOptions.GREEDY
                            : new SamplingOptions(1, 40, 0.9, (long) number));
            if (number % 5 == 0) {
                options = options.withStopSequences(List.of()).withMaxNewTokens(60).withConstraint(json(alone));
            }
            return new Chat(prompt, options,
                    alone.chat(prompt, options, GenerationListener.NONE, new Cancellation()).text());
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

        /** Asks again beside others, maybe with guesses; some cancel at a token. */
        Void compare(TextModel model, int cancelAt, boolean guess) {
            Cancellation cancellation = new Cancellation();
            StringBuilder heard = new StringBuilder();
            GenerationResult result = model.chat(prompt, options.withGuess(guess), new GenerationListener() {
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
            }, cancellation);
            assertThat(heard.toString()).isEqualTo(result.text());
            if (cancellation.isCancelled()) {
                assertThat(answer).startsWith(result.text());
            } else {
                assertThat(result.text()).isEqualTo(answer);
            }
            return null;
        }
    }

    /** Fifty chats with one long system message: its tokens are calculated for one of them, though all come at once. */
    @Test
    void whatPromptsHaveInCommonIsCalculatedOnce() throws Exception {
        String system = "Ruby the fox went to the river and found a green whistle. ".repeat(80);
        try (TextModel model = load(KvType.F32, 1L << 30, SchedulerLimits.DEFAULT);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<int[]> prompts = IntStream.range(0, 50).mapToObj(number -> model.chatPrompt(List.of(
                    ChatMessage.system(system), ChatMessage.user("Who has " + number + " apples?")))).toList();
            int common = prompts.stream().mapToInt(prompt -> common(prompts.getFirst(), prompt)).min().orElseThrow();
            assertThat(common).isGreaterThan(1000);
            List<Future<GenerationResult>> results = prompts.stream().map(prompt -> threads.submit(
                    () -> model.chat(prompt, GenerationOptions.DEFAULT.withMaxNewTokens(8), GenerationListener.NONE,
                            new Cancellation())))
                    .toList();
            int calculated = 0;
            for (Future<GenerationResult> result : results) {
                calculated += result.get().promptTokens() - result.get().reusedTokens();
            }
            assertThat(calculated).isLessThanOrEqualTo(common
                    + prompts.stream().mapToInt(prompt -> prompt.length - common).sum());
        }
    }

    private static int common(int[] one, int[] other) {
        int mismatch = Arrays.mismatch(one, other);
        return mismatch < 0 ? one.length : mismatch;
    }

    private static void chatsAreAsIfAlone(KvType type, long budget, int different, int chats) throws Exception {
        List<Chat> twins = new ArrayList<>();
        try (TextModel alone = TextModel.load(TestModels.POCKET, options(type, 1L << 30))) {
            for (int number = 0; number < different; number++) {
                twins.add(Chat.of(alone, number));
            }
        }
        try (TextModel model = load(type, budget, SchedulerLimits.DEFAULT.withRequests(16, 10_000));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            SplittableRandom random = new SplittableRandom(1);
            List<Future<?>> results = new ArrayList<>();
            for (int i = 0; i < chats; i++) {
                Chat twin = twins.get(random.nextInt(twins.size()));
                int cancelAt = random.nextInt(5) == 0 ? 1 + random.nextInt(30) : -1;
                boolean guess = random.nextBoolean();
                results.add(threads.submit(() -> twin.compare(model, cancelAt, guess)));
            }
            for (Future<?> result : results) {
                result.get();
            }
            model.closeIdleSequences();
            assertThat(model.model().kvCacheAllocatedBytes()).isZero();
            assertThat(model.scheduler().orElseThrow().pauses() > 0).as("chats were paused")
                    .isEqualTo(budget == SMALL_BUDGET);
        }
    }

    @ParameterizedTest
    @EnumSource(value = KvType.class, names = { "F32", "I8" })
    void eachChatIsAsIfItWereAlone(KvType type) throws Exception {
        chatsAreAsIfAlone(type, 1L << 30, 25, 50);
    }

    @Test
    void memoryThatDoesNotSufficeChangesNoAnswer() throws Exception {
        chatsAreAsIfAlone(KvType.F32, SMALL_BUDGET, 25, 50);
    }

    @Test
    void stepsAreShared() throws Exception {
        AtomicInteger samples = new AtomicInteger();
        CountDownLatch all = new CountDownLatch(4);
        try (TextModel model = TextModel.load(TestModels.POCKET, options(KvType.F32, 1L << 30), sampling -> logits -> {
            samples.incrementAndGet();
            all.countDown();
            return 300;
        }, Optional.of(SchedulerLimits.DEFAULT));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<GenerationResult> chat = () -> model.chat(model.chatPrompt(List.of(ChatMessage.user("Hello!"))),
                    GenerationOptions.DEFAULT.withMaxNewTokens(200), GenerationListener.NONE, new Cancellation());
            List<Future<GenerationResult>> chats = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                chats.add(threads.submit(chat));
            }
            assertThat(all.await(60, TimeUnit.SECONDS)).isTrue();
            Scheduler scheduler = model.scheduler().orElseThrow();
            assertThat(scheduler.running() + scheduler.waiting()).isLessThanOrEqualTo(4);
            for (Future<GenerationResult> each : chats) {
                assertThat(each.get().generatedTokens()).isEqualTo(200);
            }
            assertThat(samples.get()).isEqualTo(800);
        }
    }

    @ParameterizedTest
    @EnumSource(value = AttentionMode.class, names = { "EXACT", "CLUSTERED" })
    void promptsThatBeginAlikeAreCalculatedOnce(AttentionMode attention) throws Exception {
        String instructions = "Ruby the fox went to the river and found a green whistle. ".repeat(30);
        GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(20).withAttention(attention);
        List<int[]> prompts = new ArrayList<>();
        List<String> alone = new ArrayList<>();
        try (TextModel model = TextModel.load(TestModels.POCKET,
                options(KvType.F32, 1L << 30).with(change -> change.maxIdleSequences(0)))) {
            for (int i = 0; i < 20; i++) {
                prompts.add(model.chatPrompt(List.of(ChatMessage.system(instructions),
                        ChatMessage.user(QUESTIONS.get(i % QUESTIONS.size()) + " " + i))));
                alone.add(model.chat(prompts.getLast(), options, GenerationListener.NONE, new Cancellation()).text());
            }
        }
        try (TextModel model = load(KvType.F32, 1L << 30, SchedulerLimits.DEFAULT);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<GenerationResult>> results = new ArrayList<>();
            for (int[] prompt : prompts) {
                results.add(threads.submit(
                        () -> model.chat(prompt, options, GenerationListener.NONE, new Cancellation())));
            }
            int calculated = 0;
            int own = 0;
            int common = Arrays.mismatch(prompts.getFirst(), prompts.getLast());
            for (int i = 0; i < prompts.size(); i++) {
                GenerationResult result = results.get(i).get();
                assertThat(result.text()).isEqualTo(alone.get(i));
                calculated += result.promptTokens() - result.reusedTokens();
                own += prompts.get(i).length - common;
            }
            assertThat(common).isGreaterThan(300);
            assertThat(calculated).isLessThanOrEqualTo(common + own);
        }
    }

    @Test
    void aListenerThatBlocksStopsOnlyItsOwnChat() throws Exception {
        CountDownLatch blocks = new CountDownLatch(1);
        try (TextModel model = load(KvType.F32, 1L << 30, SchedulerLimits.DEFAULT.withRequests(1, 10));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            int[] prompt = model.chatPrompt(List.of(ChatMessage.user("Tell me a story.")));
            // More tokens than a listener may be behind.
            GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(400)
                    .withSampling(new SamplingOptions(3, 1000, 1, 5L));
            String expected = model.chat(prompt, options, GenerationListener.NONE, new Cancellation()).text();
            AtomicInteger heard = new AtomicInteger();
            Future<GenerationResult> slow = threads.submit(() -> model.chat(prompt, options, (token, text) -> {
                heard.incrementAndGet();
                try {
                    assertThat(blocks.await(60, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }, new Cancellation()));
            for (int i = 0; i < 3; i++) {
                assertThat(model.chat(prompt, options, GenerationListener.NONE, new Cancellation()).text())
                        .isEqualTo(expected);
            }
            assertThat(heard.get()).isLessThanOrEqualTo(1);
            blocks.countDown();
            assertThat(slow.get().text()).isEqualTo(expected);
        }
    }

    @Test
    void aListenerThatThrowsReachesItsCallerAndLeavesNothingBehind() {
        try (TextModel model = load(KvType.F32, 1L << 30, SchedulerLimits.DEFAULT)) {
            int[] prompt = model.chatPrompt(List.of(ChatMessage.user("Tell me a story.")));
            assertThatThrownBy(() -> model.chat(prompt, GenerationOptions.DEFAULT, (token, text) -> {
                throw new IllegalStateException("listener");
            }, new Cancellation())).isInstanceOf(IllegalStateException.class).hasMessage("listener");
            model.closeIdleSequences();
            assertThat(model.model().kvCacheAllocatedBytes()).isZero();
            assertThat(model.scheduler().orElseThrow().waiting()).isZero();
        }
    }

    @Test
    void whatTheSchedulerRefusesReachesTheCaller() throws Exception {
        CountDownLatch blocks = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        try (TextModel model = TextModel.load(TestModels.POCKET, options(KvType.F32, 1L << 30), sampling -> logits -> {
            begun.countDown();
            try {
                assertThat(blocks.await(60, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return 300;
        }, Optional.of(SchedulerLimits.DEFAULT.withRequests(1, 0)));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<GenerationResult> chat = () -> model.chat(model.chatPrompt(List.of(ChatMessage.user("Hello!"))),
                    GenerationOptions.DEFAULT.withMaxNewTokens(2), GenerationListener.NONE, new Cancellation());
            Future<GenerationResult> first = threads.submit(chat);
            assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
            assertThatThrownBy(chat::call).isInstanceOf(BusyException.class);
            blocks.countDown();
            assertThat(first.get().generatedTokens()).isEqualTo(2);
        }
    }
}
