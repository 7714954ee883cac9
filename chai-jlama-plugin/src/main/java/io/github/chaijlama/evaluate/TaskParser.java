// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Makes tasks of lines. Prompts are those of EleutherAI's lm-evaluation-harness, zero-shot, so that results can be
 * compared:
 * {@code lm_eval/tasks/{piqa/piqa.yaml, hellaswag/utils.py, arc/arc_easy.yaml, super_glue/boolq/default.yaml}} in
 * github.com/EleutherAI/lm-evaluation-harness.
 */
final class TaskParser {
    private static final Pattern BRACKETS = Pattern.compile("\\[.*?]");
    private static final List<String> NO_YES = List.of("no", "yes");

    private final TaskFormat format;

    TaskParser(TaskFormat format) {
        this.format = format;
    }

    /**
     * Makes a task of a line.
     *
     * @param label index of the right choice from a file of labels, empty if the line has it
     */
    TaskText parse(JsonLine line, OptionalInt label) throws BadLineException {
        return switch (format == TaskFormat.AUTO ? detect(line) : format) {
            case CHAT -> chat(line);
            case PIQA -> piqa(line, label);
            case HELLASWAG -> hellaSwag(line, label);
            case ARC -> arc(line);
            case BOOLQ -> boolQ(line);
            case AUTO -> throw new BadLineException(
                    "expected the fields of a task (chat, PIQA, HellaSwag, ARC or BoolQ), found others");
        };
    }

    private static TaskFormat detect(JsonLine line) {
        if (line.has("messages", "choices")) {
            return TaskFormat.CHAT;
        } else if (line.has("goal", "sol1", "sol2")) {
            return TaskFormat.PIQA;
        } else if (line.has("endings", "ctx_a")) {
            return TaskFormat.HELLASWAG;
        } else if (line.has("answerKey")) {
            return TaskFormat.ARC;
        } else if (line.has("passage", "question")) {
            return TaskFormat.BOOLQ;
        }
        return TaskFormat.AUTO;
    }

    private static TaskText chat(JsonLine line) throws BadLineException {
        return TaskText.chat(line.has("kind") ? line.text("kind") : "chat", line.messages("messages"),
                line.texts("choices"), index(line, "answer"),
                line.has("text") ? Optional.of(line.text("text")) : Optional.empty());
    }

    private static TaskText piqa(JsonLine line, OptionalInt label) throws BadLineException {
        return TaskText.completion("piqa", "Question: " + line.text("goal") + "\nAnswer:",
                List.of(line.text("sol1"), line.text("sol2")), answer(line, label));
    }

    private static TaskText hellaSwag(JsonLine line, OptionalInt label) throws BadLineException {
        String end = line.text("ctx_b");
        String capitalized = end.isEmpty() ? end
                : end.substring(0, 1).toUpperCase(Locale.ROOT) + end.substring(1).toLowerCase(Locale.ROOT);
        List<String> endings = new ArrayList<>();
        for (String ending : line.texts("endings")) {
            endings.add(withoutWikiHow(ending));
        }
        return TaskText.completion("hellaswag",
                withoutWikiHow(line.text("activity_label") + ": " + line.text("ctx_a") + " " + capitalized), endings,
                answer(line, label));
    }

    /** Titles and bracketed remarks are left over from the WikiHow pages that part of HellaSwag comes from. */
    private static String withoutWikiHow(String text) {
        return BRACKETS.matcher(text.strip().replace(" [title]", ". ")).replaceAll("").replace("  ", " ");
    }

    private static TaskText arc(JsonLine line) throws BadLineException {
        JsonNode question = line.node().path("question");
        List<String> texts = new ArrayList<>();
        List<String> labels = new ArrayList<>();
        String stem;
        if (question.isObject()) {
            stem = JsonLine.text(question, "stem");
            for (JsonNode choice : JsonLine.array(question, "choices")) {
                texts.add(JsonLine.text(choice, "text"));
                labels.add(JsonLine.text(choice, "label"));
            }
        } else {
            stem = line.text("question");
            texts = JsonLine.texts(line.node().path("choices"), "text");
            labels = JsonLine.texts(line.node().path("choices"), "label");
        }
        String key = line.text("answerKey");
        if (texts.size() != labels.size() || !labels.contains(key)) {
            throw new BadLineException("expected an 'answerKey' among the labels of the choices, found '" + key
                    + "' and " + labels);
        }
        return TaskText.completion("arc", "Question: " + stem + "\nAnswer:", texts, labels.indexOf(key));
    }

    private static TaskText boolQ(JsonLine line) throws BadLineException {
        JsonNode answer = line.node().path("answer");
        int right = answer.isBoolean() ? (answer.booleanValue() ? 1 : 0) : index(line, "label");
        return TaskText.completion("boolq",
                line.text("passage") + "\nQuestion: " + line.text("question") + "?\nAnswer:", NO_YES, right);
    }

    private static int answer(JsonLine line, OptionalInt label) throws BadLineException {
        return label.isPresent() ? label.getAsInt() : index(line, "label");
    }

    /** Returns a choice's index; Hugging Face's copies have it as a text. */
    private static int index(JsonLine line, String field) throws BadLineException {
        JsonNode value = line.node().path(field);
        if (value.isInt()) {
            return value.intValue();
        }
        if (value.isTextual() && value.textValue().matches("\\d{1,3}")) {
            return Integer.parseInt(value.textValue());
        }
        throw new BadLineException(
                "expected the index of the right choice in '" + field + "', found " + JsonLine.kind(value));
    }
}
