// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import io.github.chaijlama.AttentionMode;
import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.generate.Cancellation;
import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.generate.GenerationListener;
import io.github.chaijlama.generate.GenerationOptions;
import io.github.chaijlama.generate.GenerationResult;
import io.github.chaijlama.generate.SamplingOptions;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.schedule.AnswerSteps;
import io.github.chaijlama.schedule.SchedulerLimits;

/** {@code chai generate}: completes a text or answers a message. */
@Command(name = "generate", mixinStandardHelpOptions = true, description = "Completes a text or answers a chat "
        + "message. The most likely tokens are taken unless a temperature is given.")
final class GenerateCommand implements Callable<Integer> {

    @Spec
    private CommandSpec command;

    @Mixin
    private ModelOptions options;

    @ArgGroup(multiplicity = "1")
    @SuppressWarnings("NullAway.Init")
    private Input input;

    /** What to answer. */
    static final class Input {
        @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "text to continue")
        private @Nullable String prompt;

        @Option(names = "--chat", required = true, paramLabel = "TEXT", description = "message to answer, with the "
                + "model's chat template")
        private @Nullable String chat;
    }

    @Option(names = "--max-tokens", paramLabel = "N", description = "the most tokens to generate; default: what the "
            + "context holds")
    private @Nullable Integer maxTokens;

    @Option(names = "--temperature", paramLabel = "X", defaultValue = "0", description = "0 takes the most likely "
            + "token; default: ${DEFAULT-VALUE}")
    private double temperature;

    @Option(names = "--top-p", paramLabel = "X", defaultValue = "1", description = "probability of the tokens chosen "
            + "from; default: ${DEFAULT-VALUE}")
    private double topP;

    @Option(names = "--top-k", paramLabel = "N", description = "number of the tokens chosen from; default: all")
    private @Nullable Integer topK;

    @Option(names = "--seed", paramLabel = "N", description = "the same seed gives the same text")
    private @Nullable Long seed;

    @Option(names = "--guess",
            description = "also check tokens that prompt and answer suggest: the same text, in fewer "
                    + "steps where it repeats what it was told; not with --attention stock")
    private boolean guess;

    @Option(names = "--json", description = "print the result as JSON")
    private boolean json;

    @Override
    public Integer call() {
        GenerationOptions generation = generationOptions();
        ChaiOptions loading = options.toChaiOptions();
        if (guess && loading.attention() == AttentionMode.STOCK) {
            throw options.usage("--guess needs exact or clustered attention");
        }
        try (TextModel model = load(loading)) {
            PrintWriter out = command.commandLine().getOut();
            GenerationListener listener = json ? GenerationListener.NONE : new Printer(out);
            GenerationResult result = generate(model, generation, listener);
            if (json) {
                out.println(toJson(result));
            } else {
                out.println();
                report(result);
            }
            out.flush();
            return 0;
        }
    }

    private TextModel load(ChaiOptions loading) {
        return guess ? TextModel.load(options.model(), loading, SchedulerLimits.DEFAULT, options.progress())
                : TextModel.load(options.model(), loading, options.progress());
    }

    private GenerationOptions generationOptions() {
        try {
            return GenerationOptions.DEFAULT.withMaxNewTokens(maxTokens).withGuess(guess)
                    .withSampling(new SamplingOptions(temperature, topK, topP, seed));
        } catch (IllegalArgumentException e) {
            throw options.usage(e);
        }
    }

    private GenerationResult generate(TextModel model, GenerationOptions generation, GenerationListener listener) {
        if (input.chat != null) {
            return model.chat(model.chatPrompt(List.of(ChatMessage.user(input.chat))), generation, listener,
                    new Cancellation());
        }
        int[] prompt = model.tokenizer().encodePrompt(Objects.requireNonNull(input.prompt));
        if (prompt.length == 0) {
            throw options.usage("--prompt must not be empty: this model has no token to begin with");
        }
        return model.complete(prompt, generation, listener, new Cancellation());
    }

    /** Shows text as it comes. */
    private record Printer(PrintWriter out) implements GenerationListener {
        @Override
        public void onToken(int token, String text) {
            out.print(text);
            out.flush();
        }

        @Override
        public void onRemainingText(String text) {
            out.print(text);
        }
    }

    private void report(GenerationResult result) {
        double seconds = result.duration().minus(result.timeToFirstToken()).toNanos() / 1e9;
        double rate = result.generatedTokens() < 2 ? 0 : (result.generatedTokens() - 1) / seconds;
        PrintWriter err = command.commandLine().getErr();
        err.printf(Locale.ROOT,
                "[%s, %s attention: %d prompt tokens, first token after %d ms, %d tokens, %.1f tokens/s%s]%n",
                result.finishReason(), result.attention(), result.promptTokens(), result.timeToFirstToken().toMillis(),
                result.generatedTokens(), rate, guess ? describe(result.counts()) : "");
        err.flush();
    }

    private static String describe(AnswerSteps counts) {
        return String.format(Locale.ROOT, ", %d steps, %d of %d guesses right", counts.steps(), counts.rightGuesses(),
                counts.guessedTokens());
    }

    private ObjectNode toJson(GenerationResult result) {
        ObjectNode root = Json.object();
        root.put("text", result.text()).put("thinking", result.thinking())
                .put("finishReason", result.finishReason().name())
                .put("promptTokens", result.promptTokens()).put("generatedTokens", result.generatedTokens())
                .put("attention", result.attention().name())
                .put("timeToFirstTokenMillis", result.timeToFirstToken().toNanos() / 1e6)
                .put("durationMillis", result.duration().toNanos() / 1e6);
        Json.putBytes(root, "kvCacheBytes", result.kvCacheBytes());
        if (guess) {
            root.put("steps", result.counts().steps()).put("guessedTokens", result.counts().guessedTokens())
                    .put("rightGuesses", result.counts().rightGuesses());
        }
        return root;
    }
}
