// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

import io.github.chaijlama.generate.TextModel;

/**
 * Tasks to measure a model with, as the model's tokens.
 *
 * @param source   name of the file or resource
 * @param tasks    the tasks, at least 1
 * @param badLines lines that were skipped
 * @param tooLong  tasks that were skipped because prompt and choices do not fit into the model's context
 * @param complete whether the whole file was read; false if it goes on after the last task that was asked for
 */
public record TaskSet(String source, List<Task> tasks, int badLines, int tooLong, boolean complete) {

    public TaskSet {
        tasks = List.copyOf(tasks);
    }

    /**
     * Reads a file.
     *
     * @param labels   file with the index of the right choice on each line, as PIQA has it; empty if the tasks have
     *                 their own
     * @param limits   tasks of more tokens than allowed are skipped
     * @param badLines told of each line that is skipped
     * @throws EvaluationException if it is missing, unreadable, without tasks, or has too many bad lines
     */
    public static TaskSet read(Path file, Optional<Path> labels, TaskFormat format, TextModel model,
            ReadLimits limits, Consumer<BadLine> badLines) {
        return DataFiles.read(file,
                in -> read(in, file.toString(), labels.map(Labels::read), format, model, limits, badLines));
    }

    /**
     * Reads a stream, which stays open.
     *
     * @param source   name of where it comes from, for messages
     * @param labels   index of the right choice of each line that is not blank; empty if the tasks have their own
     * @param limits   tasks of more tokens than allowed are skipped
     * @param badLines told of each line that is skipped
     * @throws EvaluationException if it is unreadable, without tasks, or has too many bad lines
     */
    public static TaskSet read(InputStream in, String source, Optional<List<Integer>> labels, TaskFormat format,
            TextModel model, ReadLimits limits, Consumer<BadLine> badLines) {
        LineReader lines = new LineReader(in, source, limits.maxBadLines(), badLines);
        TaskParser parser = new TaskParser(format);
        TaskEncoder encoder = new TaskEncoder(model);
        List<Task> tasks = new ArrayList<>();
        int tooLong = 0;
        int entry = 0;
        boolean complete = true;
        for (Optional<String> line = lines.next(); line.isPresent(); line = lines.next()) {
            if (line.get().isBlank()) {
                continue;
            }
            if (tasks.size() == limits.maxEntries()) {
                complete = false;
                break;
            }
            try {
                Task task = encoder.encode(parser.parse(JsonLine.parse(line.get()), label(labels, entry++)));
                if (task.longest() > limits.maxTokens()) {
                    tooLong++;
                } else {
                    tasks.add(task);
                }
            } catch (BadLineException e) {
                lines.bad(e.getMessage());
            }
        }
        if (tasks.isEmpty()) {
            throw tooLong == 0 ? DataFiles.nothingIn(lines, "tasks")
                    : new EvaluationException(source + " has no tasks that fit: " + tooLong
                            + " have more tokens than the " + limits.maxTokens() + " the context holds");
        }
        return new TaskSet(source, tasks, lines.badLines(), tooLong, complete);
    }

    private static OptionalInt label(Optional<List<Integer>> labels, int entry) throws BadLineException {
        if (labels.isEmpty()) {
            return OptionalInt.empty();
        }
        if (entry >= labels.get().size()) {
            throw new BadLineException("expected a label for each task, found only " + labels.get().size());
        }
        return OptionalInt.of(labels.get().get(entry));
    }
}
