// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

import io.github.chaijlama.generate.ChatMessage;
import io.github.chaijlama.generate.TextModel;
import io.github.chaijlama.template.ChatTemplateException;

/**
 * Texts to calibrate or to measure a model with, as the model's tokens. Conversations are rendered with the model's own
 * chat template, so control tokens are those the template writes and never a message's; plain texts begin as prompts
 * do.
 *
 * @param source   name of the file or resource
 * @param texts    tokens of each text, at least 2
 * @param conversations messages of each text, empty for one that is no conversation
 * @param badLines lines that were skipped
 * @param cut      texts that were longer than allowed and were cut
 * @param complete whether the whole file was read; false if it goes on after the last text that was asked for
 */
public record TextSet(String source, List<int[]> texts, List<List<ChatMessage>> conversations, int badLines, int cut,
        boolean complete) {

    public TextSet {
        texts = List.copyOf(texts);
        conversations = conversations.stream().map(List::copyOf).toList();
    }

    /**
     * Reads a file.
     *
     * @param badLines told of each line that is skipped
     * @throws EvaluationException if it is missing, unreadable, without texts, or has too many bad lines
     */
    public static TextSet read(Path file, TextFormat format, TextModel model, ReadLimits limits,
            Consumer<BadLine> badLines) {
        return DataFiles.read(file, in -> read(in, file.toString(), format, model, limits, badLines));
    }

    /**
     * Reads a stream, which stays open.
     *
     * @param source   name of where it comes from, for messages and for {@link TextFormat#AUTO}
     * @param badLines told of each line that is skipped
     * @throws EvaluationException if it is unreadable, without texts, or has too many bad lines
     */
    public static TextSet read(InputStream in, String source, TextFormat format, TextModel model, ReadLimits limits,
            Consumer<BadLine> badLines) {
        LineReader lines = new LineReader(in, source, limits.maxBadLines(), badLines);
        Builder builder = new Builder(model, limits);
        boolean complete = format.of(source) == TextFormat.PLAIN ? builder.readParagraphs(lines)
                : builder.readObjects(lines);
        if (builder.texts.isEmpty()) {
            throw DataFiles.nothingIn(lines, "texts");
        }
        return new TextSet(source, builder.texts, builder.conversations, lines.badLines(), builder.cut, complete);
    }

    /** Returns the tokens of all texts together. */
    public long totalTokens() {
        return texts.stream().mapToLong(text -> text.length).sum();
    }

    /** The texts read so far. */
    private static final class Builder {
        private final TextModel model;
        private final ReadLimits limits;
        private final List<int[]> texts = new ArrayList<>();
        private final List<List<ChatMessage>> conversations = new ArrayList<>();
        private int cut;

        Builder(TextModel model, ReadLimits limits) {
            this.model = model;
            this.limits = limits;
        }

        /** Returns whether all lines were read. */
        boolean readObjects(LineReader lines) {
            for (Optional<String> line = lines.next(); line.isPresent(); line = lines.next()) {
                if (!line.get().isBlank()) {
                    if (isFull()) {
                        return false;
                    }
                    try {
                        addLine(JsonLine.parse(line.get()));
                    } catch (BadLineException e) {
                        lines.bad(e.getMessage());
                    }
                }
            }
            return true;
        }

        private void addLine(JsonLine line) throws BadLineException {
            if (line.has("messages")) {
                List<ChatMessage> messages = line.messages("messages");
                try {
                    add(model.conversation(messages), messages);
                } catch (ChatTemplateException e) {
                    throw new BadLineException(e.getMessage());
                }
            } else if (line.has("text")) {
                add(model.tokenizer().encodePrompt(line.text("text")), List.of());
            } else {
                throw new BadLineException("expected 'messages' or 'text', found neither");
            }
        }

        /** Returns whether all lines were read. */
        boolean readParagraphs(LineReader lines) {
            StringBuilder paragraph = new StringBuilder();
            for (Optional<String> line = lines.next(); line.isPresent(); line = lines.next()) {
                if (line.get().isBlank()) {
                    endParagraph(lines, paragraph);
                } else if (isFull()) {
                    return false;
                } else {
                    paragraph.append(paragraph.isEmpty() ? "" : "\n").append(line.get());
                    if (paragraph.length() > LineReader.MAX_LINE_BYTES) {
                        endParagraph(lines, paragraph);
                    }
                }
            }
            endParagraph(lines, paragraph);
            return true;
        }

        private void endParagraph(LineReader lines, StringBuilder paragraph) {
            if (!paragraph.isEmpty()) {
                try {
                    add(model.tokenizer().encodePrompt(paragraph.toString()), List.of());
                } catch (BadLineException e) {
                    lines.bad(e.getMessage());
                }
                paragraph.setLength(0);
            }
        }

        private boolean isFull() {
            return texts.size() == limits.maxEntries();
        }

        private void add(int[] tokens, List<ChatMessage> messages) throws BadLineException {
            if (tokens.length < 2) {
                throw new BadLineException("expected at least 2 tokens, found " + tokens.length);
            }
            if (tokens.length > limits.maxTokens()) {
                cut++;
                texts.add(Arrays.copyOf(tokens, limits.maxTokens()));
            } else {
                texts.add(tokens);
            }
            conversations.add(messages);
        }
    }
}
