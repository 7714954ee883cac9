// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.calibrate;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

import io.github.chaijlama.evaluate.Task;
import io.github.chaijlama.evaluate.TaskEvaluator;
import io.github.chaijlama.generate.TextModel;

/**
 * Tasks for a budget of accuracy, divided by a seed.
 *
 * @param search tasks that steer the search
 * @param verify tasks that verify what it found
 * @param digest of the tasks' tokens and answers: a run that was stopped goes on only with the same tasks
 */
public record TaskSplit(TaskEvaluator search, TaskEvaluator verify, String digest) {

    /**
     * Divides tasks in halves.
     *
     * @param source name of the tasks
     * @throws CalibrationException if there are fewer than four
     */
    public static TaskSplit of(TextModel model, List<Task> tasks, String source, long seed) {
        if (tasks.size() < 4) {
            throw new CalibrationException(
                    "a budget of accuracy needs at least 4 tasks, found " + tasks.size() + " in " + source);
        }
        List<Task> shuffled = new ArrayList<>(tasks);
        Collections.shuffle(shuffled, new Random(seed));
        int half = tasks.size() / 2;
        return new TaskSplit(new TaskEvaluator(model, shuffled.subList(0, half)),
                new TaskEvaluator(model, shuffled.subList(half, tasks.size())), digest(tasks));
    }

    private static String digest(List<Task> tasks) {
        MessageDigest digest = sha256();
        for (Task task : tasks) {
            add(digest, task.prompt());
            task.choices().forEach(choice -> add(digest, choice.tokens()));
            add(digest, new int[]{ task.answer() });
            add(digest, task.target().map(Task.Choice::tokens).orElse(new int[0]));
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Adds numbers and how many there are. */
    static void add(MessageDigest digest, int[] numbers) {
        ByteBuffer bytes = ByteBuffer.allocate((numbers.length + 1) * Integer.BYTES);
        bytes.putInt(numbers.length).asIntBuffer().put(numbers);
        digest.update(bytes.array());
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
