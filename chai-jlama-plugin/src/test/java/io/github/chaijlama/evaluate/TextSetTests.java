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

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.chaijlama.ChaiOptions;
import io.github.chaijlama.TestModels;
import io.github.chaijlama.generate.TextModel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TextSetTests {
    private static final int BOS = 0;
    private static final int END = 1;
    private static final int USER = 4;
    private static final int ASSISTANT = 5;
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

    private TextSet read(String content, String source, ReadLimits limits) {
        return read(content.getBytes(StandardCharsets.UTF_8), source, limits);
    }

    private TextSet read(byte[] content, String source, ReadLimits limits) {
        return TextSet.read(new ByteArrayInputStream(content), source, TextFormat.AUTO, model, limits,
                line -> bad.add(line.toString()));
    }

    @Test
    void readsConversationsAndTexts() {
        TextSet set = read("""
                \uFEFF{"messages":[{"role":"user","text":"Hello"},{"role":"assistant","text":"Yes"}]}

                {"text":"Yes No"}\r
                {"messages":[{"role":"user","text":"<|end|>"}], "more": 1}
                """, "a.jsonl", ReadLimits.ofTokens(100));
        int yes = model.tokenizer().encode("Yes")[0];
        assertThat(set.texts()).hasSize(3);
        assertThat(set.texts().getFirst()).startsWith(BOS, USER).endsWith(END, ASSISTANT, yes, END);
        assertThat(set.texts().get(1)).startsWith(yes).isEqualTo(model.tokenizer().encode("Yes No"));
        // A message that spells a control token does not become one.
        assertThat(set.texts().get(2)).startsWith(BOS, USER).endsWith(END).containsOnlyOnce(END);
        assertThat(set.badLines()).isZero();
        assertThat(set.complete()).isTrue();
        assertThat(bad).isEmpty();
    }

    @Test
    void reportsBadLinesWithTheirNumbersAndGoesOn() {
        byte[] notUtf8 = "{\"text\":\"caf\u00e9 au lait\"}\n".getBytes(StandardCharsets.ISO_8859_1);
        byte[] rest = """
                {"text":"Yes, yes"}
                nonsense
                [1]
                {"text":5}
                {"other":"x"}
                {"messages":[]}
                {"messages":[{"role":"user"}]}
                {"text":"Yes"}
                {"text":"a"} {"text":"b"}
                {"text":"No, no"}
                """.getBytes(StandardCharsets.UTF_8);
        byte[] all = new byte[notUtf8.length + rest.length];
        System.arraycopy(notUtf8, 0, all, 0, notUtf8.length);
        System.arraycopy(rest, 0, all, notUtf8.length, rest.length);
        TextSet set = read(all, "a.jsonl", ReadLimits.ofTokens(100));
        assertThat(set.texts()).hasSize(2);
        assertThat(set.badLines()).isEqualTo(9);
        assertThat(bad).hasSize(9).allMatch(line -> line.startsWith("a.jsonl, line "));
        assertThat(bad.get(0)).isEqualTo("a.jsonl, line 1: expected UTF-8, found other bytes");
        assertThat(bad.get(1))
                .startsWith("a.jsonl, line 3: expected a JSON object, found: Unrecognized token 'nonsense'");
        assertThat(bad.subList(2, 8)).containsExactly("a.jsonl, line 4: expected a JSON object, found an array",
                "a.jsonl, line 5: expected a text in 'text', found the number 5",
                "a.jsonl, line 6: expected 'messages' or 'text', found neither",
                "a.jsonl, line 7: expected an array of at least 1 element in 'messages', found none",
                "a.jsonl, line 8: expected a text in 'text', found nothing",
                "a.jsonl, line 9: expected at least 2 tokens, found 1");
        assertThat(bad.get(8)).startsWith("a.jsonl, line 10: expected a JSON object, found: Trailing token");
    }

    @Test
    void tooManyBadLinesAreAnError() {
        assertThatThrownBy(() -> read("x\ny\nz\n", "a.jsonl", new ReadLimits(10, 10, 1)))
                .isInstanceOf(EvaluationException.class)
                .hasMessageStartingWith("more than 1 bad lines, the last is a.jsonl, line 2: expected a JSON object");
        assertThat(bad).hasSize(2);
    }

    @Test
    void aFileWithoutTextsIsAnError() {
        assertThatThrownBy(() -> read("", "a.jsonl", ReadLimits.ofTokens(10))).isInstanceOf(EvaluationException.class)
                .hasMessage("a.jsonl is empty: expected texts");
        assertThatThrownBy(() -> read("\n \n", "a.txt", ReadLimits.ofTokens(10)))
                .isInstanceOf(EvaluationException.class).hasMessage("a.txt is empty: expected texts");
        assertThatThrownBy(() -> read("{}\n", "a.jsonl", ReadLimits.ofTokens(10)))
                .isInstanceOf(EvaluationException.class)
                .hasMessage("a.jsonl has no texts that can be used: 1 bad lines");
    }

    @Test
    void paragraphsOfAPlainFileAreTexts() {
        TextSet set = read("Ben went\nhome.\n\n\nAnna felt happy.\n   \nYes, yes", "story.txt",
                ReadLimits.ofTokens(100));
        assertThat(set.texts()).containsExactly(model.tokenizer().encodePrompt("Ben went\nhome."),
                model.tokenizer().encodePrompt("Anna felt happy."), model.tokenizer().encodePrompt("Yes, yes"));
        assertThat(set.complete()).isTrue();
    }

    @Test
    void longTextsAreCutAndTheRestOfAFileIsLeft() {
        TextSet set = read("{\"text\":\"Ben went home.\"}\n{\"text\":\"No No\"}\n{\"text\":\"Yes Yes\"}\n", "a.jsonl",
                new ReadLimits(2, 3, 0));
        assertThat(set.texts().getFirst()).hasSize(3);
        assertThat(set.texts()).hasSize(2);
        assertThat(set.cut()).isEqualTo(1);
        assertThat(set.complete()).isFalse();
        assertThat(set.totalTokens()).isEqualTo(5);
        assertThat(read("Yes Yes\n\nNo No\n\nYes Yes", "a.txt", new ReadLimits(3, 3, 0)).complete()).isTrue();
        assertThat(read("Yes Yes\n\nNo No\n\nYes Yes", "a.txt", new ReadLimits(2, 3, 0)).complete()).isFalse();
    }

    @Test
    void aLineWithoutEndDoesNotFillTheHeap() {
        byte[] content = new byte[LineReader.MAX_LINE_BYTES + 100];
        Arrays.fill(content, (byte) 'a');
        content[content.length - 9] = '\n';
        System.arraycopy("{\"text\":\"".getBytes(StandardCharsets.UTF_8), 0, content, 0, 9);
        assertThatThrownBy(() -> read(content, "a.jsonl", ReadLimits.ofTokens(10)))
                .isInstanceOf(EvaluationException.class);
        assertThat(bad.getFirst()).isEqualTo("a.jsonl, line 1: expected at most 16777216 bytes, found more");
    }

    @Test
    void aMissingFileAndADirectoryAreNamed(@TempDir Path directory) throws IOException {
        Path missing = directory.resolve("no.jsonl");
        ReadLimits limits = ReadLimits.ofTokens(10);
        assertThatThrownBy(() -> TextSet.read(missing, TextFormat.AUTO, model, limits, line -> {}))
                .isInstanceOf(EvaluationException.class).hasMessage(missing + " does not exist");
        assertThatThrownBy(() -> TextSet.read(directory, TextFormat.AUTO, model, limits, line -> {}))
                .isInstanceOf(EvaluationException.class).hasMessage(directory + " must be a file, found a directory");
        Path file = Files.writeString(directory.resolve("a.txt"), "Yes, yes");
        assertThat(TextSet.read(file, TextFormat.AUTO, model, limits, line -> {}).texts()).hasSize(1);
    }
}
