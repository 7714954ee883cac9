// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.prefix;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.generate.GenerationListener;
import io.github.chaijlama.generate.GenerationOptions;
import io.github.chaijlama.generate.GenerationResult;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.profile.ClusterProfile;

/**
 * Prints the time to the first token of every turn of a ten-turn chat with the Pocket model, with and without reuse of
 * what earlier turns have calculated; both alternate turn by turn. Run it in the module's directory with
 * {@code java -cp target/classes:target/test-classes:... io.github.chaijlama.prefix.ConversationCost [runs]}.
 */
final class ConversationCost {
    private static final int WARM_UP = 3;
    private static final List<String> QUESTIONS = List.of(
            "Read this: Finn was a lucky owl. Finn lived near the meadow. One cold morning, Finn went to the river. "
                    + "There "
                    + "Finn found a green whistle. Then Rose the penguin came to help.\nWhere did Finn go?",
            "Tell me a story about a fox named Ruby.", "Who helped Ruby?", "What comes after Monday?",
            "Tell me a story about a mouse named Alice.", "Where did Alice go?", "What is the opposite of big?",
            "Tell me a story about a bear named Max.", "What did Max find?", "Tell me a story.");

    private ConversationCost() {}

    public static void main(String[] arguments) {
        int runs = arguments.length == 0 ? 7 : Integer.parseInt(arguments[0]);
        ChaiOptions options = ChaiOptions.clustered(ClusterProfile.read(TestModels.POCKET_PROFILE));
        try (TextModel reusing = TextModel.load(TestModels.POCKET, options);
                TextModel fresh = TextModel.load(TestModels.POCKET,
                        options.with(change -> change.maxIdleSequences(0)))) {
            for (AttentionMode attention : List.of(AttentionMode.EXACT, AttentionMode.CLUSTERED)) {
                List<List<Turn>> measured = IntStream.range(0, WARM_UP + runs)
                        .mapToObj(run -> converse(reusing, fresh, attention)).toList().subList(WARM_UP, WARM_UP + runs);
                report(attention, measured);
            }
        }
    }

    /**
     * One turn.
     *
     * @param withMicros    time to the first token with reuse
     * @param withoutMicros time to the first token without
     */
    private record Turn(int promptTokens, int reusedTokens, long withMicros, long withoutMicros) {}

    private static List<Turn> converse(TextModel reusing, TextModel fresh, AttentionMode attention) {
        reusing.closeIdleSequences();
        GenerationOptions options = GenerationOptions.DEFAULT.withMaxNewTokens(80).withAttention(attention);
        List<ChatMessage> messages = new ArrayList<>();
        List<Turn> turns = new ArrayList<>();
        for (String question : QUESTIONS) {
            messages.add(ChatMessage.user(question));
            int[] prompt = fresh.chatPrompt(messages);
            GenerationResult without = answer(fresh, prompt, options);
            GenerationResult with = answer(reusing, prompt, options);
            if (!with.text().equals(without.text())) {
                throw new IllegalStateException("other answers: " + with.text() + " and " + without.text());
            }
            messages.add(ChatMessage.assistant(with.text()));
            turns.add(new Turn(prompt.length, with.reusedTokens(), with.timeToFirstToken().toNanos() / 1000,
                    without.timeToFirstToken().toNanos() / 1000));
        }
        return turns;
    }

    private static GenerationResult answer(TextModel model, int[] prompt, GenerationOptions options) {
        return model.chat(prompt, options, GenerationListener.NONE, new Cancellation());
    }

    private static void report(AttentionMode attention, List<List<Turn>> runs) {
        for (int i = 0; i < QUESTIONS.size(); i++) {
            int turn = i;
            Turn first = runs.getFirst().get(turn);
            System.out.printf(
                    "%-9s turn %2d, %4d tokens, %4d of them known: first token with reuse %s ms, without %s ms%n",
                    attention, turn + 1, first.promptTokens, first.reusedTokens,
                    spread(runs.stream().mapToLong(run -> run.get(turn).withMicros).sorted().toArray()),
                    spread(runs.stream().mapToLong(run -> run.get(turn).withoutMicros).sorted().toArray()));
        }
    }

    private static String spread(long[] sortedMicros) {
        return String.format("%.1f (%.1f to %.1f)", sortedMicros[sortedMicros.length / 2] / 1e3, sortedMicros[0] / 1e3,
                sortedMicros[sortedMicros.length - 1] / 1e3);
    }
}
