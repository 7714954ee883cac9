// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.generate.TextModel;

import static org.assertj.core.api.Assertions.assertThat;

/** What a trained model answers, by kinds. */
class ExactAnswersTests {
    private static final String LINES = """
            {"messages":[{"role":"user","text":"hi friend"},{"role":"assistant","text":"-"},\
            {"role":"user","text":"Thank you!"},{"role":"assistant","text":"-"}]}
            {"messages":[{"role":"tool","text":"weather(place)\\ntime()\\n"},\
            {"role":"user","text":"What is the weather like at the beach?"},{"role":"assistant","text":"-"}]}
            {"text":"Once there was a fox."}
            """;
    private static TextModel model;

    @BeforeAll
    static void load() {
        model = TextModel.load(TestModels.POCKET, ChaiOptions.exact());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static TextSet texts() {
        return TextSet.read(new ByteArrayInputStream(LINES.getBytes(StandardCharsets.UTF_8)), "texts.jsonl",
                TextFormat.AUTO, model, ReadLimits.ofTokens(100), line -> {});
    }

    private static List<ExactAnswer> write(List<Integer> texts, int half) {
        return new ExactAnswers(AnswerPrompts.of(model, texts())).write(texts, half, Progress.NONE);
    }

    private static List<String> words(List<ExactAnswer> answers) {
        return answers.stream().map(answer -> model.tokenizer().decode(answer.tokens())).toList();
    }

    @Test
    void firstMessagesAndCallsAreLookedAtAndLaterTurnsAreNot() {
        List<ExactAnswer> answers = write(List.of(0, 1, 2), 0);
        List<String> words = words(answers);

        // Kinds one after another, and of each those to the texts' prompts before the project's own.
        assertThat(answers.getFirst().kind()).isEqualTo(AnswerKind.FIRST_MESSAGE);
        assertThat(words.getFirst()).startsWith("H");
        int calls = (int) answers.stream().filter(answer -> answer.kind() == AnswerKind.FIRST_MESSAGE).count();
        assertThat(answers).hasSizeGreaterThan(calls + 1);
        assertThat(words.get(calls)).startsWith("{\"name\": \"weather\", \"parameters\": {\"place\": \"beach\"}}");
        assertThat(answers.get(calls).sure()).contains(true);
        // Where an answer ends is part of it, however likely the end is.
        assertThat(answers).filteredOn(answer -> answer.tokens().length < 128).isNotEmpty()
                .allSatisfy(answer -> assertThat(answer.sure()[answer.tokens().length - 1]).isTrue());
    }

    @Test
    void whereTextsHaveEnoughOfAKindTheProjectsOwnAreNotAsked() {
        List<ExactAnswer> answers = write(Collections.nCopies(16, 0), 0);

        assertThat(answers.stream().filter(answer -> answer.kind() == AnswerKind.FIRST_MESSAGE)).hasSize(16)
                .extracting(answer -> model.tokenizer().decode(answer.prompt())).containsOnly("hi friend");
        assertThat(write(Collections.nCopies(70, 0), 0).stream()
                .filter(answer -> answer.kind() == AnswerKind.FIRST_MESSAGE)).hasSize(64);
    }

    @Test
    void theProjectsOwnPromptsGuardAModelWhoseTextsHaveNone() {
        List<ExactAnswer> even = write(List.of(2), 0);
        List<ExactAnswer> odd = write(List.of(2), 1);

        assertThat(even).extracting(ExactAnswer::kind).contains(AnswerKind.FIRST_MESSAGE, AnswerKind.STRUCTURED);
        assertThat(odd).extracting(ExactAnswer::kind).contains(AnswerKind.FIRST_MESSAGE, AnswerKind.STRUCTURED);
        assertThat(even).extracting(answer -> model.tokenizer().decode(answer.prompt()))
                .doesNotContainAnyElementsOf(
                        odd.stream().map(answer -> model.tokenizer().decode(answer.prompt())).toList());
    }

    @Test
    void exactAttentionGivesItsOwnAnswers() {
        List<ExactAnswer> answers = write(List.of(0, 1), 1);

        assertThat(new AnswerEvaluator(model.model(), answers).evaluate(Arm.EXACT, Progress.NONE))
                .isNotEmpty().allSatisfy(loss -> {
                    assertThat(loss.answers()).isPositive();
                    assertThat(loss.changed()).isZero();
                    assertThat(loss.broken()).isZero();
                });
    }
}
