// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.generate.TextModel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The lines are of the shape of each data set, with words of our own. */
class TaskSetTests {
    private static TextModel model;
    private final List<String> bad = new ArrayList<>();

    @BeforeAll
    static void load() {
        model = TextModel.load(TestModels.POCKET, ChaiOptions.exact());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private TaskSet read(String content, Optional<List<Integer>> labels, TaskFormat format, ReadLimits limits) {
        return TaskSet.read(new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)), "tasks.jsonl", labels,
                format, model, limits, line -> bad.add(line.toString()));
    }

    private Task readOne(String line) {
        TaskSet set = read(line, Optional.empty(), TaskFormat.AUTO, ReadLimits.ofTokens(2048));
        assertThat(bad).isEmpty();
        assertThat(set.tasks()).hasSize(1);
        return set.tasks().getFirst();
    }

    private static void assertCompletion(Task task, String kind, int answer, String context, String... choices) {
        assertThat(task.kind()).isEqualTo(kind);
        assertThat(task.answer()).isEqualTo(answer);
        assertThat(task.target()).isEmpty();
        assertThat(task.prompt()).containsExactly(model.tokenizer().encodePrompt(context));
        assertThat(task.choices()).hasSize(choices.length);
        for (int i = 0; i < choices.length; i++) {
            int[] whole = IntStream.concat(Arrays.stream(task.prompt()), Arrays.stream(task.choices().get(i).tokens()))
                    .toArray();
            assertThat(whole).containsExactly(model.tokenizer().encodePrompt(context + " " + choices[i]));
            assertThat(task.choices().get(i).characters()).isEqualTo(choices[i].length());
        }
    }

    @Test
    void readsPiqa() {
        assertCompletion(
                readOne("{\"goal\":\"Find a red box.\",\"sol1\":\"Look in the tower.\",\"sol2\":\"Eat some soup.\","
                        + "\"label\":1}"),
                "piqa", 1, "Question: Find a red box.\nAnswer:", "Look in the tower.",
                "Eat some soup.");
    }

    @Test
    void readsPiqasLabelsFromAFile(@TempDir Path directory) throws IOException {
        Path tasks = Files.writeString(directory.resolve("valid.jsonl"), """
                {"goal":"Go home.","sol1":"Walk.","sol2":"Eat."}
                broken
                {"goal":"Feel happy.","sol1":"Walk.","sol2":"Eat."}
                """);
        Path labels = Files.writeString(directory.resolve("valid-labels.lst"), "0\n0\n1\n");
        TaskSet set = TaskSet.read(tasks, Optional.of(labels), TaskFormat.PIQA, model, ReadLimits.ofTokens(2048),
                line -> bad.add(line.toString()));
        assertThat(set.badLines()).isEqualTo(1);
        assertThat(set.tasks()).extracting(Task::answer).containsExactly(0, 0);
        Files.writeString(labels, "0\nx\n");
        assertThatThrownBy(
                () -> TaskSet.read(tasks, Optional.of(labels), TaskFormat.PIQA, model, ReadLimits.ofTokens(2048),
                        line -> {}))
                .isInstanceOf(EvaluationException.class).hasMessage(
                        labels + ", line 2: expected the index of the right choice, found something else");
    }

    @Test
    void readsHellaSwag() {
        assertCompletion(readOne("{\"ind\":1,\"activity_label\":\"Cooking\",\"ctx_a\":\"A fox makes soup.\","
                + "\"ctx_b\":\"then the Fox\",\"ctx\":\"unused\",\"endings\":[\"eats [step] it.\",\"goes  home.\","
                + "\"sleeps.\",\"runs. [title] He wins.\"],\"label\":3}"), "hellaswag", 3,
                "Cooking: A fox makes soup. Then the fox", "eats it.", "goes home.", "sleeps.", "runs.. He wins.");
        assertCompletion(readOne("{\"activity_label\":\"Cooking\",\"ctx_a\":\"A fox makes soup.\",\"ctx_b\":\"\","
                + "\"endings\":[\"It eats.\",\"It runs.\"],\"label\":\"0\"}"), "hellaswag", 0,
                "Cooking: A fox makes soup.", "It eats.", "It runs.");
    }

    @Test
    void readsArcAsPublishedAndAsOnHuggingFace() {
        String published = "{\"id\":\"a\",\"question\":{\"stem\":\"Which animal?\",\"choices\":[{\"text\":\"fox\","
                + "\"label\":\"A\"},{\"text\":\"box\",\"label\":\"B\"},{\"text\":\"pie\",\"label\":\"C\"}]},"
                + "\"answerKey\":\"B\"}";
        String huggingFace = "{\"id\":\"a\",\"question\":\"Which "
                + "animal?\",\"choices\":{\"text\":[\"fox\",\"box\",\"pie\"],"
                + "\"label\":[\"1\",\"2\",\"3\"]},\"answerKey\":\"3\"}";
        assertCompletion(readOne(published), "arc", 1, "Question: Which animal?\nAnswer:", "fox", "box", "pie");
        assertCompletion(readOne(huggingFace), "arc", 2, "Question: Which animal?\nAnswer:", "fox", "box", "pie");
    }

    @Test
    void readsBoolQ() {
        assertCompletion(readOne("{\"question\":\"is a fox an animal\",\"title\":\"Fox\",\"answer\":true,"
                + "\"passage\":\"A fox is an animal.\"}"), "boolq", 1,
                "A fox is an animal.\nQuestion: is a fox an animal?\nAnswer:", "no", "yes");
        assertCompletion(readOne("{\"question\":\"is a box an animal\",\"passage\":\"A fox is an animal.\",\"idx\":1,"
                + "\"label\":0}"), "boolq", 0, "A fox is an animal.\nQuestion: is a box an animal?\nAnswer:", "no",
                "yes");
    }

    @Test
    void readsConversationsWhoseTextNeverBecomesAControlToken() {
        Task task = readOne(
                "{\"kind\":\"yesno\",\"messages\":[{\"role\":\"user\",\"text\":\"Did Ben go <|end|> home?\"}],"
                        + "\"choices\":[\"Yes\",\"No<|end|>\"],\"answer\":0,\"text\":\"Yes, Ben went home.\"}");
        assertThat(task.kind()).isEqualTo("yesno");
        assertThat(task.prompt()).startsWith(0, 4).endsWith(1, 5).containsOnlyOnce(1);
        assertThat(task.choices().getFirst().tokens()).containsExactly(model.tokenizer().encode("Yes"));
        assertThat(task.choices().getLast().tokens()).doesNotContain(1).hasSizeGreaterThan(2);
        assertThat(task.target().orElseThrow().tokens())
                .containsExactly(model.tokenizer().encode("Yes, Ben went home."));
    }

    @Test
    void reportsBadTasksWithTheirNumbers() {
        TaskSet set = read("""
                {"goal":"a","sol1":"b","sol2":"c"}
                {"text":"only a text"}
                {"messages":[{"role":"user","text":"Hi"}],"choices":["Yes"],"answer":0}
                {"messages":[{"role":"user","text":"Hi"}],"choices":["Yes","No"],"answer":2}
                {"messages":[{"role":"user","text":"Hi"}],"choices":["Yes",""],"answer":0}
                {"question":"Which?","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"C"}
                {"question":"q","passage":"p","answer":"yes"}
                {"question":"q","passage":"p","answer":false}
                """, Optional.empty(), TaskFormat.AUTO, ReadLimits.ofTokens(2048));
        assertThat(set.tasks()).hasSize(1);
        assertThat(bad).containsExactly(
                "tasks.jsonl, line 1: expected the index of the right choice in 'label', found nothing",
                "tasks.jsonl, line 2: expected the fields of a task (chat, PIQA, HellaSwag, ARC or BoolQ), found "
                        + "others",
                "tasks.jsonl, line 3: expected at least 2 choices, found 1",
                "tasks.jsonl, line 4: expected the right choice to be 0 to 1, found 2",
                "tasks.jsonl, line 5: expected choices with text, found an empty one",
                "tasks.jsonl, line 6: expected an 'answerKey' among the labels of the choices, found 'C' and [A, B]",
                "tasks.jsonl, line 7: expected the index of the right choice in 'label', found nothing");
    }

    @Test
    void aLineOfAnotherFormatThanAskedForIsBad() {
        assertThatThrownBy(
                () -> read("{\"question\":\"q\",\"passage\":\"p\",\"answer\":false}", Optional.empty(), TaskFormat.ARC,
                        ReadLimits.ofTokens(2048)))
                .isInstanceOf(EvaluationException.class)
                .hasMessage("tasks.jsonl has no tasks that can be used: 1 bad lines");
        assertThat(bad).containsExactly("tasks.jsonl, line 1: expected an array of at least 1 element in 'text', "
                + "found nothing");
    }

    @Test
    void tasksBeyondTheContextAreCounted() {
        String small = "{\"question\":\"q\",\"passage\":\"p\",\"answer\":false}\n";
        String large = "{\"question\":\"q\",\"passage\":\"" + "fox ".repeat(200) + "\",\"answer\":false}\n";
        TaskSet set = read(large + small + small, Optional.empty(), TaskFormat.AUTO, new ReadLimits(1, 100, 0));
        assertThat(set.tooLong()).isEqualTo(1);
        assertThat(set.tasks()).hasSize(1);
        assertThat(set.complete()).isFalse();
        assertThatThrownBy(() -> read(large, Optional.empty(), TaskFormat.AUTO, ReadLimits.ofTokens(100)))
                .isInstanceOf(EvaluationException.class).hasMessage("tasks.jsonl has no tasks that fit: 1 have more "
                        + "tokens than the 100 the context holds");
    }
}
