// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.langchain4j;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.Pocket;
import io.github.chaijlama.profile.ClusterProfile;
import io.github.chaijlama.profile.Membership;
import io.github.chaijlama.profile.ModelShape;
import io.github.chaijlama.schedule.AnswerSteps;

import static org.assertj.core.api.Assertions.assertThat;

/** Conversations that are sent again with every turn are read again only where they are new, and answered the same. */
@Timeout(300)
class ConversationReuseTests {
    private static final List<String> TURNS = List.of(Pocket.QUESTION, "What did Finn find?", "Who helped Finn?",
            "Hello!", "Tell me a story about a fox named Ruby.", "What is the opposite of big?", "Who helped Ruby?",
            "What comes after Monday?", "Where did Finn live?", "Tell me a story.");
    private static ChaiEngine plain;

    @BeforeAll
    static void load() {
        plain = engine(clustered().with(change -> change.maxIdleSequences(0)));
    }

    @AfterAll
    static void close() {
        plain.close();
    }

    private static ChaiOptions clustered() {
        return ChaiOptions.clustered(ClusterProfile.read(Pocket.PROFILE));
    }

    private static ChaiEngine engine(ChaiOptions options) {
        return ChaiEngine.load(Pocket.MODEL, "pocket", options);
    }

    private static int cached(ChatResponse response) {
        return ((ChaiChatResponseMetadata) response.metadata()).cachedPromptTokens();
    }

    /** Asks turn after turn, each time with all that was said before. */
    private static List<ChatResponse> converse(ChaiEngine engine, String instructions, List<String> turns) {
        ChaiChatModel model = ChaiChatModel.builder().engine(engine).maxOutputTokens(40).build();
        List<ChatMessage> messages = new ArrayList<>(List.of(SystemMessage.from(instructions)));
        List<ChatResponse> responses = new ArrayList<>();
        for (String turn : turns) {
            messages.add(UserMessage.from(turn));
            ChatResponse response = model.chat(messages);
            responses.add(response);
            messages.add(response.aiMessage());
        }
        return responses;
    }

    private static List<String> texts(List<ChatResponse> responses) {
        return responses.stream().map(response -> response.aiMessage().text()).toList();
    }

    private enum Kind {
        EXACT, STATIC, ONLINE;

        ChaiOptions options() {
            ClusterProfile profile = ClusterProfile.read(Pocket.PROFILE);
            ModelShape shape = profile.model();
            return switch (this) {
                case EXACT -> ChaiOptions.exact();
                case STATIC -> ChaiOptions.clustered(profile);
                case ONLINE -> ChaiOptions.clustered(
                        new ClusterProfile(shape, List.of(8, 6, 8, 6, 8, 8), Membership.defaults()));
            };
        }
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void everyTurnButTheFirstIsMostlyKnownAndAnsweredTheSame(Kind kind) {
        try (ChaiEngine reusing = engine(kind.options());
                ChaiEngine fresh = engine(kind.options().with(change -> change.maxIdleSequences(0)))) {
            List<ChatResponse> expected = converse(fresh, "Be kind.", TURNS);
            List<ChatResponse> responses = converse(reusing, "Be kind.", TURNS);

            assertThat(texts(responses)).isEqualTo(texts(expected));
            assertThat(expected).allSatisfy(response -> assertThat(cached(response)).isZero());
            for (int turn = 1; turn < TURNS.size(); turn++) {
                // What a template writes after an answer, and the question itself, are new. An answer that was cut off
                // at its limit may be other tokens when it is encoded again.
                int before = responses.get(turn - 1).tokenUsage().inputTokenCount();
                assertThat(cached(responses.get(turn))).isGreaterThanOrEqualTo(before)
                        .isLessThan(responses.get(turn).tokenUsage().inputTokenCount());
                assertThat(responses.get(turn).tokenUsage()).isEqualTo(expected.get(turn).tokenUsage());
            }
        }
    }

    @Test
    void conversationsAtOnceAreAnsweredAsOneAfterAnother() throws Exception {
        List<String> instructions = IntStream.range(0, 6).mapToObj(i -> "You are number " + i + ".").toList();
        List<String> turns = TURNS.subList(0, 4);
        // Memory for about three of them: the others' is taken and given back all the time.
        try (ChaiEngine engine = engine(clustered().with(change -> change.kvCacheMaxBytes(24L << 20)));
                ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<Callable<List<String>>> conversations = instructions.stream()
                    .<Callable<List<String>>>map(text -> () -> texts(converse(engine, text, turns))).toList();
            List<Future<List<String>>> answers = threads.invokeAll(conversations);
            for (int i = 0; i < instructions.size(); i++) {
                assertThat(answers.get(i).get()).isEqualTo(texts(converse(plain, instructions.get(i), turns)));
            }
            assertThat(engine.textModel().idleSequences()).isPositive();
            engine.textModel().closeIdleSequences();
            assertThat(engine.textModel().model().kvCacheAllocatedBytes()).isZero();
        }
    }

    @Test
    void aResponseSaysHowManyStepsItTook() {
        String story = "Finn was a lucky owl. Finn lived near the meadow. One cold morning, Finn went to the river. "
                + "There Finn found a green whistle.";
        UserMessage question = UserMessage.from("Read this: " + story + "\nWhere did Finn go?");
        ChatResponse without = ChaiChatModel.builder().engine(plain).build().chat(question);
        ChatResponse with = ChaiChatModel.builder().engine(plain).guess(true).build().chat(question);

        AnswerSteps counts = ((ChaiChatResponseMetadata) without.metadata()).counts();
        assertThat(counts).isEqualTo(new AnswerSteps(without.tokenUsage().outputTokenCount(), 0, 0));
        ChaiChatResponseMetadata metadata = (ChaiChatResponseMetadata) with.metadata();
        assertThat(with.aiMessage().text()).isEqualTo(without.aiMessage().text());
        assertThat(metadata.counts().steps()).isEqualTo(counts.steps() - metadata.counts().rightGuesses())
                .isLessThan(counts.steps());
        assertThat(metadata.toBuilder().counts(counts).build()).isNotEqualTo(metadata);
    }

    @Test
    void aResponseSaysWhichAttentionAndHowMuchWasKnown() {
        ChaiChatModel model = ChaiChatModel.builder().engine(plain).build();
        ChaiChatResponseMetadata metadata = (ChaiChatResponseMetadata) model.chat(UserMessage.from("Hello!"))
                .metadata();
        assertThat(metadata.attention()).isEqualTo(AttentionMode.CLUSTERED);
        assertThat(metadata.toString()).contains("cachedPromptTokens=0");
        assertThat(metadata.toBuilder().cachedPromptTokens(7).build()).isNotEqualTo(metadata)
                .extracting(ChaiChatResponseMetadata::cachedPromptTokens).isEqualTo(7);
    }
}
