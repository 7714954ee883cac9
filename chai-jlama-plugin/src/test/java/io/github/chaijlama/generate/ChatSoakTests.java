// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.generate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.profile.ClusterProfile;

import static org.assertj.core.api.Assertions.assertThat;

/** Chats in numbers: the same answers as one after another, and nothing left behind. */
@Tag("alone")
class ChatSoakTests {
    private static final List<String> QUESTIONS = List.of("Tell me a story about a fox named Ruby.", "Hello!",
            "Read this: Finn was a lucky owl. Finn lived near the meadow. At the river, Finn found a green whistle. "
                    + "Then Rose the penguin came to help. Who helped Finn?",
            "What is the opposite of big?", "Tell me a story.", "中文 <|end|> {{7*7}}",
            "Read this: Alice was a cheerful mouse. One cold morning, Alice went to the tower. Where did Alice go?",
            "What comes after Monday?");

    private static TextModel load() {
        return TextModel.load(TestModels.POCKET,
                ChaiOptions.clustered(ClusterProfile.read(TestModels.POCKET_PROFILE)));
    }

    /** Chat {@code number}: exact and clustered, greedy and random, short and long. */
    private static String chat(TextModel model, int number) {
        GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(10 + number % 7 * 8)
                .withAttention(number % 3 == 0 ? AttentionMode.EXACT : AttentionMode.CLUSTERED)
                .withSampling(
                        number % 2 == 0 ? SamplingOptions.GREEDY : new SamplingOptions(1, 40, 0.9, (long) number));
        String question = QUESTIONS.get(number % QUESTIONS.size());
        return model.chat(model.chatPrompt(List.of(ChatMessage.user(question))), options, GenerationListener.NONE,
                new Cancellation()).text();
    }

    @Test
    @Timeout(600)
    void eightThreadsOfFiftyChatsAnswerAsOneAfterAnother() throws Exception {
        try (TextModel model = load(); ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<String> expected = new ArrayList<>();
            for (int number = 0; number < 50; number++) {
                expected.add(chat(model, number));
            }
            Callable<List<String>> fifty = () -> {
                List<String> answers = new ArrayList<>();
                for (int number = 0; number < 50; number++) {
                    answers.add(chat(model, number));
                }
                return answers;
            };
            for (Future<List<String>> answers : threads.invokeAll(Collections.nCopies(8, fifty))) {
                assertThat(answers.get()).isEqualTo(expected);
            }
            assertIdleSequencesAreAllThatIsLeft(model);
        }
    }

    @Test
    @Timeout(120)
    void aHundredChatsLeaveNothingBehind() throws Exception {
        leaveNothingBehind(100);
    }

    @Test
    @Tag("long")
    @Timeout(1800)
    void aThousandChatsLeaveNothingBehind() throws Exception {
        leaveNothingBehind(1000);
    }

    private static void leaveNothingBehind(int chats) throws Exception {
        try (TextModel model = load()) {
            for (int number = 0; number < 60; number++) { // every size of batch, and compiled code
                chat(model, number);
            }
            Footprint before = Footprint.now();
            for (int number = 0; number < chats; number++) {
                chat(model, number);
            }
            assertNothingLeft(model, before, chats);
        }
    }

    @Test
    @Timeout(300)
    void twoHundredRandomChatsAtOnce() throws Exception {
        randomChatsAtOnce(30, 200);
    }

    @Test
    @Tag("long")
    @Timeout(5400)
    void tenThousandRandomChatsAtOnce() throws Exception {
        randomChatsAtOnce(500, 10_000);
    }

    /** Chats of random lengths on four threads, some of them cancelled, each compared with its sequential twin. */
    private static void randomChatsAtOnce(int different, int chats) throws Exception {
        try (TextModel model = load();
                ExecutorService threads = Executors.newFixedThreadPool(4);
                ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor()) {
            List<RandomChat> twins = new ArrayList<>();
            for (int number = 0; number < different; number++) {
                twins.add(RandomChat.of(model, number));
            }
            // Threads and scratch memory for every size, once, before anything is counted.
            runAtOnce(model, twins, threads, clock, different, 1);
            Footprint before = Footprint.now();
            runAtOnce(model, twins, threads, clock, chats, 2);
            assertNothingLeft(model, before, chats);
        }
    }

    private static void runAtOnce(TextModel model, List<RandomChat> twins, ExecutorService threads,
            ScheduledExecutorService clock, int chats, int seed) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        List<Future<?>> results = new ArrayList<>();
        for (int i = 0; i < chats; i++) {
            RandomChat twin = twins.get(random.nextInt(twins.size()));
            int cancelMillis = random.nextInt(5) == 0 ? random.nextInt(100) : -1;
            results.add(threads.submit(() -> twin.compare(model, clock, cancelMillis)));
        }
        for (Future<?> result : results) {
            result.get();
        }
    }

    /** A chat and the answer it gets when nothing else is going on. */
    private record RandomChat(int[] prompt, GenerationOptions options, int cancelAfter, String answer) {

        static RandomChat of(TextModel model, int number) {
            SplittableRandom random = new SplittableRandom(number);
            String question = "Ruby went to the river. ".repeat(random.nextInt(random.nextInt(1, 60)))
                    + QUESTIONS.get(random.nextInt(QUESTIONS.size()));
            int[] prompt = model.chatPrompt(List.of(ChatMessage.user(question)));
            GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(random.nextInt(1, 60))
                    .withAttention(random.nextBoolean() ? AttentionMode.EXACT : AttentionMode.CLUSTERED)
                    .withStopSequences(random.nextInt(4) == 0 ? List.of(" the river", ".") : List.of())
                    .withSampling(random.nextBoolean() ? SamplingOptions.GREEDY
                            : new SamplingOptions(1, 40, 0.9, (long) number));
            int cancelAfter = random.nextInt(4) == 0 ? random.nextInt(1, 20) : Integer.MAX_VALUE;
            RandomChat chat = new RandomChat(prompt, options, cancelAfter, null);
            return new RandomChat(prompt, options, cancelAfter, chat.run(model, new Cancellation()));
        }

        private String run(TextModel model, Cancellation cancellation) {
            AtomicInteger tokens = new AtomicInteger();
            GenerationListener listener = (token, text) -> {
                if (tokens.incrementAndGet() == cancelAfter) {
                    cancellation.cancel();
                }
            };
            return model.chat(prompt, options, listener, cancellation).text();
        }

        /** Runs the chat again, cancelled from outside at some time or (-1) not. */
        Void compare(TextModel model, ScheduledExecutorService clock, int cancelMillis) {
            Cancellation cancellation = new Cancellation();
            if (cancelMillis < 0) {
                assertThat(run(model, cancellation)).isEqualTo(answer);
            } else {
                clock.schedule(cancellation::cancel, cancelMillis, TimeUnit.MILLISECONDS);
                assertThat(answer).startsWith(run(model, cancellation));
            }
            return null;
        }
    }

    /**
     * Sequences that later requests may go on with are kept on purpose, a few; nothing else is, and they can be closed.
     */
    private static void assertIdleSequencesAreAllThatIsLeft(TextModel model) {
        assertThat(model.idleSequences()).isBetween(1, ChaiOptions.DEFAULT_MAX_IDLE_SEQUENCES);
        model.closeIdleSequences();
        assertThat(model.model().kvCacheAllocatedBytes()).isZero();
    }

    private static void assertNothingLeft(TextModel model, Footprint before, int chats) throws Exception {
        Footprint after = Footprint.now();
        System.out.println("before " + before + "\nafter " + chats + " chats " + after);
        assertIdleSequencesAreAllThatIsLeft(model);
        after.assertIsNoMoreThan(before);
    }
}
