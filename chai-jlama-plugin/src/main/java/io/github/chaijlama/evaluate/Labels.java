// SPDX-License-Identifier: Apache-2.0
package io.github.chaijlama.evaluate;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads files of labels: the index of the right choice on each line. */
final class Labels {

    private Labels() {}

    /**
     * Reads a file.
     *
     * @throws EvaluationException if it is missing or unreadable, or a line is not an index: the labels behind a line
     *                             that is skipped would belong to other tasks
     */
    static List<Integer> read(Path file) {
        try (InputStream in = DataFiles.open(file)) {
            LineReader lines = new LineReader(in, file.toString(), 0, line -> {});
            List<Integer> labels = new ArrayList<>();
            for (String line = lines.next(); line != null; line = lines.next()) {
                if (!line.isBlank()) {
                    if (!line.strip().matches("\\d{1,3}")) {
                        throw new EvaluationException(file + ", line " + lines.line()
                                + ": expected the index of the right choice, found something else");
                    }
                    labels.add(Integer.parseInt(line.strip()));
                }
            }
            return labels;
        } catch (IOException e) {
            throw new EvaluationException(file + " cannot be read: " + e.getMessage(), e);
        }
    }
}
